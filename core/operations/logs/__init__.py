"""The portal's own log, as admins read it.

In reading order:

- records: a line, what is asked of the log, and what is found
- ports: where lines are read
- search: read words and field:value pairs
- groups: put errors of one kind together
- service: find lines, kinds of errors, and the lines of a turn
"""
