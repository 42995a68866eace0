"""Define the tables of usage reports and alerts.

In reading order:

- generations: generation rows
- rollups: usage by day and hour
- alerts: alert rules, what fired, what was sent, and webhooks
- money: prices and budgets
- machines: the history of the machines
- reports: plans of reports, the reports that they made, and mails
"""
