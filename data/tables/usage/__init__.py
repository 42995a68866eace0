"""Define the tables that usage reports read.

In reading order:

- generations: generation rows
- rollups: usage by day and hour
"""
