"""What changed and when, so that charts can mark it.

In reading order:

- records: the kinds of changes, and a change with its time
- markers: store a change, and name what it was about
"""
