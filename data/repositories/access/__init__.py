"""Store rows of limits.

In reading order:

- limits: rules, counters and leases
- counted_limits: rules here, with counters and leases in Redis
"""
