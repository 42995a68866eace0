"""Search over conversations, feedback and the audit log.

In reading order:

- records: queries, hits, rejected changes and differences of the index
- ports: the search index, its jobs and the reconciler
- of_groups: find ratings, also those of some groups alone
- search: find everything that a person may read
- suggestions: suggest titles while a person types
"""
