"""Serve REST for what was used.

In reading order:

- usage: usage reports
"""
