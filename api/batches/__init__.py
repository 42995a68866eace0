"""Serve OpenAI's files and batches.

In reading order:

- file_routes: files of requests and of results
- batch_routes: batches
- line_answers: the answers to the lines of a batch
"""
