"""Define the tables of files, documents and images.

In reading order:

- files: files, and the messages that show them
- documents: collections, their documents and passages
- grounding: images, and the boxes found on them
"""
