"""Full-text search: one port, with embedded indexes and Elasticsearch behind it.

In reading order:

- port: the interface of a search index
- words: split text into words, including Chinese
- sqlite_file: one file of the SQLite index
- sqlite_index: the index in SQLite FTS5
- postgres_index: the index in PostgreSQL
- elasticsearch_server: one Elasticsearch server and its errors
- elasticsearch_words: analyzers for Chinese
- elasticsearch_index: the index in Elasticsearch
- elasticsearch_audit: the audit log in Elasticsearch
- elasticsearch_logs: log lines in Elasticsearch
- rollover: when an index begins a new one
- refusing_index: refuse to keep readable text beside an encrypted database
"""
