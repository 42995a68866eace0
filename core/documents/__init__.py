"""Collections of documents, whose passages answers can cite.

In reading order:

- records: collections, their documents and passages
- ports: their repository, and the index of passages
- passages: cut a text into passages
- terms: the words of a question and of a passage
- access: who sees and changes a collection
- collections: make, share and remove collections
- documents: add, read again and remove documents
- reading: read a document into passages, as a job
- ranking: combine rankings, and merge neighbouring passages
- meaning: compare questions and passages by vectors, and rerank
- finding: find the passages that answer a question
- citing: citations in answers, and sources in exports
"""
