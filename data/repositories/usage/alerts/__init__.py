"""Store alerts, and read what their rules measure.

In reading order:

- alerts: rules with their state, what fired, what was sent, and webhooks
- rows: convert rules, alerts and deliveries to rows and back
- machine_samples: the minutes of the machines that rules measure
- samples: the answers, ratings and failed jobs that rules measure
"""
