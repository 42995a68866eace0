"""Serve REST for collections of documents.

In reading order:

- collections: collections, and the passages that answer a question
- documents: the documents of a collection
"""
