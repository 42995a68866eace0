"""Store rows of files for questions.

In reading order:

- files: files, their parts and attachments
"""
