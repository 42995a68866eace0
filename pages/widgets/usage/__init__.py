"""Widgets of the Usage page.

In reading order:

- filters: choose days, model and group
- key_metrics: the key metrics
- charts: every chart of the portal
- change_marks: changes of models and settings in the charts by day
- chart_cards: the charts of a report, each in its card
- tables: by model, by group, by person
- export_menu: export a report as CSV
- days: days in the user's time zone
"""
