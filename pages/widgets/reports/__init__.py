"""Widgets of the Reports page.

In reading order:

- words: cards, periods and schedules in words
- form: choose what a report shows, when it is made and who gets it
- downloads: download a report
- lists: plans, and the reports that they made
"""
