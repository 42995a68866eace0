"""Fill a blank with a date by a rule."""

from __future__ import annotations

from datetime import date, timedelta

from core.workflows.schedules.records import Rule


def ruled(rule: Rule, day: date) -> str:
    """Return the text of a rule at a start on this day, as ISO 8601 has it."""
    match rule:
        case Rule.DAY:
            return day.isoformat()
        case Rule.DAY_BEFORE:
            return (day - timedelta(days=1)).isoformat()
        case Rule.WEEK_BEFORE:
            year, week, _ = (day - timedelta(days=7)).isocalendar()
            return f"{year}-W{week:02}"
        case Rule.MONTH:
            return f"{day:%Y-%m}"
        case Rule.MONTH_BEFORE:
            return f"{day.replace(day=1) - timedelta(days=1):%Y-%m}"
