"""Serve REST for usage and alerts.

In reading order:

- usage: usage reports
- alert_shapes: the JSON of alerts
- alerts: alert rules, what fired, and webhooks
"""
