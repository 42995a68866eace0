"""The pages for managers.

In reading order:

- usage: usage reports
"""
