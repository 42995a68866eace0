"""Store rows of retention.

In reading order:

- retention: retention rules, legal holds and due rows
"""
