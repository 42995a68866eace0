"""Files that people attach.

In reading order:

- records: stored files
- ports: the repository of files and the reader of documents
- unreadable: recognize files that no model can read
- encodings: decode text files of unknown encoding
- attachment: check attached files and extract their text
- relevance: choose the parts of a long text that are relevant to a question
- tables: tables in files, and queries about them
- file_texts: read the text of a file of any kind
- files: upload, open and remove files
"""
