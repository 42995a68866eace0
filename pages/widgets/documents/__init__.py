"""The Documents page.

In reading order:

- words: states and locations in words
- listing: the list of collections
- one: one collection
- document_list: the documents of a collection, with their reading progress
- trial: try a question
- rights: who reads a collection
"""
