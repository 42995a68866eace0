"""The search index, the audit log and log lines in Elasticsearch.

In reading order:

- server: one server and its errors
- words: analyzers for Chinese
- documents: how a document is stored and analyzed
- queries: searches, and what they found
- rollover: when an index begins a new one
- audit: the audit log
- index: the index of each kind of document
- logs: log lines
"""
