"""Files that people attach.

In reading order:

- records: stored files
- ports: the repository of files and the reader of documents
- unreadable: recognize files that no model can read
- encodings: decode text files of unknown encoding
- attachment: turn an attached file into text for the prompt
- files: upload, open and remove files
"""
