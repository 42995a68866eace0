"""The platforms that the router chooses from.

In reading order:

- health: circuit breaker with back-off
- line: queue for a platform, fair by person
- stats: recent measurements of a platform
- member: one platform with its health, queue and stats
- members: all platforms of the configuration, probed in the background
"""
