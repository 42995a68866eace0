"""Boards: what managers read about a period, computed from rollups.

In reading order:

- records: what each board shows
- capacity: saturation and waits by hour of the week
- service: compute the boards
- rows: the answers behind a bar
"""
