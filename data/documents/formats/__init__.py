"""Read the text of each kind of document. Only the worker imports this, because documents are untrusted.

In reading order:

- word: Word documents
- pdf: PDF documents
- normal_text: the same characters for the same text
- refusal: why a document cannot be read
"""
