"""Widgets of the Store page.

In reading order:

- backups: make, check, download and delete backups
- index_card: the state of the search index
- retention: retention rules and legal holds
"""
