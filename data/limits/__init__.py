"""Count limits outside the database.

In reading order:

- limit_counters: the port
- redis_counters: count limits in Redis
"""
