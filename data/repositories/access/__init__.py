"""Store rows of limits.

In reading order:

- limits: rules, counters and leases
"""
