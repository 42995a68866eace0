"""Store generation rows, and compute usage from them.

In reading order:

- generations: generation rows
- usage: add up usage per day, model and group
- usage_days: cache of days that a report has read
- usage_parts: usage by person and by source
- sketches: merge many sketches
- money: prices and budgets
- machines: the history of the machines
- reports: plans of reports, the reports that they made, and mails
- answer_lines: the answers behind a bar
- rollups: sums, sketches and people by day and hour
- alerts: alert rules, what fired and what was sent
"""
