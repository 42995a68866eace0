"""Store rows of limits.

In reading order:

- limits: rules, counters and leases
- counted_limits: rules, with counters and leases elsewhere
"""
