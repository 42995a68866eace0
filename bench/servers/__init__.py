"""Measurements of the portal's processes: start, memory, user servers.

In reading order:

- start: how long a start takes, and memory
- sessions: memory with people signed in
- servers: what user servers cost, and what people keep when servers die
- soak: whether memory grows under a mixed load
"""
