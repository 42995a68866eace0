"""Boards: what managers read about a period, computed from rollups.

In reading order:

- records: what each board shows
- people: who asked, by day and week, new and returning
- capacity: saturation and waits by hour of the week
- machine_heat: how full the machines were, by hour of the week
- wait_forecast: the queue wait of the next weeks
- remedies: what would help against a full model
- service: compute the boards
- rows: the answers behind a bar
"""
