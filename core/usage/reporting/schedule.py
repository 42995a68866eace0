"""Say which days a report covers."""

from __future__ import annotations

from datetime import date, timedelta

from core.usage.records import UsageQuery
from core.usage.reporting.records import Period, ReportPlan


def days_of(plan: ReportPlan, today: date) -> UsageQuery:
    """Return the days that a report covers if it is made on this day."""
    if plan.period is Period.WEEK:
        monday = today - timedelta(days=today.weekday() + 7)
        first, last = monday, monday + timedelta(days=6)
    elif plan.period is Period.MONTH:
        last = today.replace(day=1) - timedelta(days=1)
        first = last.replace(day=1)
    else:
        assert plan.first is not None and plan.last is not None
        first, last = plan.first, plan.last
    return UsageQuery(first=first, last=last, model=plan.model, group=plan.group)
