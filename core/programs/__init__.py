"""Data that programs store: responses that later ones continue, files, and batches of requests.

In reading order:

- records: a stored response, a file, a batch
- ports: the repositories, and the API that answers requests without a connection
- on_behalf: the person and API key on whose behalf a job asks
- background: pass requests of jobs to the API
- responses: store, continue, delete and cancel responses
- files: store the files of programs
- batches: create, list and cancel batches
- batch_lines: parse the requests of a batch's file, and write their results
- batch_run: answer the requests of a batch
"""
