"""Files that people attach.

In reading order:

- records: stored files
- ports: the repository of files and the reader of documents
- unreadable: recognize files that no model can read
- encodings: decode text files of unknown encoding
- attachment: turn an attached file into text for the prompt
- relevance: choose the parts of a long text that matter for a question
- files: upload, open and remove files
"""
