"""Serve REST for usage and alerts.

In reading order:

- usage: usage reports
- boards: the figures of the boards
- machines: the history of the machines
- reports: plans of reports, and those that were made
- costs: prices, budgets and costs
- alert_shapes: the JSON of alerts
- alerts: alert rules, what fired, and webhooks
"""
