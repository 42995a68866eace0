"""The Documents page, and documents in the chat.

In reading order:

- words: states and locations in words
- listing: the list of collections
- one: one collection
- document_list: the documents of a collection, with their reading progress
- trial: try a question
- rights: who reads a collection
- chosen: the collections that the next question searches
- sources: the sources of an answer
- page_pane: the page of a source, beside the chat
"""
