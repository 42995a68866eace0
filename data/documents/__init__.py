"""Read the text of PDF and Word documents.

In reading order:

- reader: read a document in a separate process
- reading_queue: share the readers fairly between people
- worker: the program of that process
- limits: how much of a document is unpacked
- formats: the text of each kind of document
- encoding_detector: guess the encoding of a text file
- markdown_html: turn Markdown into HTML for exports
"""
