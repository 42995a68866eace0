"""Store rows of collections.

In reading order:

- collections: collections, their documents and passages
"""
