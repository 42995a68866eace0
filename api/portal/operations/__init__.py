"""Serve REST for keeping the portal.

In reading order:

- index: the search index
- store: the database and its backups
- retention: retention rules and legal holds
"""
