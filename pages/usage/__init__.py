"""The pages for managers.

In reading order:

- usage: usage reports
- alerts: alert rules, what fires, and who is told
"""
