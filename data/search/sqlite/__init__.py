"""The embedded search index in SQLite FTS5.

In reading order:

- file: one file of the index
- index: the index, and a second file during a rebuild
"""
