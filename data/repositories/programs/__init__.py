"""Store responses, files and batches of programs.

In reading order:

- responses: stored responses
- files: files of programs
- batches: batches
"""
