"""The pages for managers.

In reading order:

- usage: usage reports
- reports: reports on screen, as files and on schedule
- alerts: alert rules, what fires, and who is told
"""
