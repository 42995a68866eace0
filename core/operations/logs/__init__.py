"""The portal's own log, as admins read it.

In reading order:

- records: a line, a query of the log, and its results
- ports: where lines are read
- search: read words and field:value pairs
- groups: put errors of one kind together
- service: find lines, kinds of errors, and the lines of a turn
"""
