"""Serve REST for files that people attach to questions.

In reading order:

- files: upload, download and delete files
- queries: query the tables of a file
- open_file: a download that survives the deletion of its file
"""
