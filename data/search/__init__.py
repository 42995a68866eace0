"""Full-text search: one port, with embedded indexes and Elasticsearch behind it.

In reading order:

- port: the interface of a search index
- words: split text into words, including Chinese
- tokens: the filters of a search as tokens
- sqlite: the index in SQLite FTS5
- postgresql: the index in PostgreSQL
- elasticsearch: the index, the audit log and log lines in Elasticsearch
- refusing_index: refuse to keep readable text beside an encrypted database
"""
