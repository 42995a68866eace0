"""Additions of plugins to pages.

In reading order:

- sections: sections at the end of a page
"""
