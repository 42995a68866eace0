"""Serve REST for search.

In reading order:

- search: search
"""
