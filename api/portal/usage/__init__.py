"""Serve REST for usage.

In reading order:

- usage: usage reports
"""
