"""The embedded search index in PostgreSQL.

In reading order:

- index: the index, and a second table during a rebuild
- queries: searches as SQL
"""
