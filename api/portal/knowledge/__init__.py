"""Serve REST for files for questions.

In reading order:

- files: files for questions
- open_file: a download that survives the deletion of its file
"""
