"""The Search page.

In reading order:

- search_field: the search field and its suggestions
- search_hits: what a search found
"""
