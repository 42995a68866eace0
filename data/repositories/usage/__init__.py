"""Store rows of what was used.

In reading order:

- generations: generation rows
- usage: add up usage per day, model and group
- usage_days: days that a report has read already
- usage_parts: usage by person and by source
"""
