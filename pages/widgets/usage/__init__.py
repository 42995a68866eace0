"""Widgets of the Usage page.

In reading order:

- charts: every chart of the portal
- csv_export: CSV that is safe in a spreadsheet
- days: days in the person's calendar
"""
