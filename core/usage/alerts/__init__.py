"""Alerts: rules on measures, with no-data and recovery, told by notice, mail and webhook.

In reading order:

- rule_records: what rules measure, when they fire, and whom they tell
- records: the state of rules, what fired, and what was sent
- measures: what rules can measure, and values over a moving window
- ports: the repository of alerts, and who sends mail and webhooks
- evaluation: take one rule a step further: quiet, pending, firing, recovered
- gauges: values that are measured now, because nothing stores them
- checks: evaluate all rules every half minute
- preview: what a rule would have done in the last days
- rules: list, add, change and remove rules
- handling: acknowledge and silence alerts, and read their history
- telling: notices, mails and webhooks
"""
