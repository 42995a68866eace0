"""Search over conversations, feedback and the audit.

In reading order:

- records: a query, its hits, and what the index refused or lacks
- ports: the search index, its jobs and the reconciler
- search: find own messages
- suggestions: offer own titles while somebody types
"""
