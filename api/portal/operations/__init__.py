"""Serve REST for operating the portal.

In reading order:

- index: the search index
- store: the database and its backups
- plugins: plugins, and for whom they are on
- retention: retention rules and legal holds
- logs: the lines of this server's log
"""
