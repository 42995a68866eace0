"""What programs store.

In reading order:

- responses: stored responses
- files: files of programs
- batches: batches
"""
