"""Store rows of keeping the portal.

In reading order:

- retention: retention rules, legal holds and what is due
"""
