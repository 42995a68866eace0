"""What the connections of one process wait for.

In reading order:

- queue: the idle connections of a pool
- write_turns: the writers to SQLite, in the order in which they came
- wal: the switch of a SQLite file to its write-ahead log
"""
