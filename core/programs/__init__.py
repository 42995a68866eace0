"""What programs store here: responses that later ones continue, files, and batches of requests.

In reading order:

- records: a stored response, a file, a batch
- ports: the repositories, and the edge that answers requests without a connection
- on_behalf: the person and API key for whom a job asks
- background: hand requests of jobs to the edge
- responses: keep, continue, delete and cancel responses
- files: keep the files of programs
- batches: create, list and cancel batches
- batch_lines: read the requests of a batch's file, and write their results
- batch_run: answer the requests of a batch
"""
