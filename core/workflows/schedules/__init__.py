"""Schedules: templates that run daily, weekly or monthly.

In reading order:

- records: a schedule, and the rules that fill blanks with dates
- rules: fill a blank with a date
- ports: their repository
- schedules: set, switch and remove schedules
- starts: start what is due, once in all servers
"""
