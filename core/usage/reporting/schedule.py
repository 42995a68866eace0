"""Say when a report is due, and which days it covers. Pure: the clock comes from outside."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.usage.records import UsageQuery
from core.usage.reporting.records import Every, Period, ReportPlan


def latest_slot(plan: ReportPlan, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the newest time until now at which the plan makes a report, in UTC; None for a plan without a schedule."""
    today = now.astimezone(zone).date()
    if plan.every is Every.WEEK:
        day = today - timedelta(days=(today.weekday() - plan.weekday) % 7)
        slot = _moment(day, plan.hour, zone)
        return slot if slot <= now else _moment(day - timedelta(days=7), plan.hour, zone)
    if plan.every is Every.MONTH:
        day = today.replace(day=plan.day)
        slot = _moment(day, plan.hour, zone)
        return slot if slot <= now else _moment(_month_before(day), plan.hour, zone)
    return None


def next_slot(plan: ReportPlan, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the next time at which the plan makes a report, in UTC."""
    slot = latest_slot(plan, now, zone)
    if slot is None:
        return None
    local = slot.astimezone(zone).date()
    after = local + timedelta(days=7) if plan.every is Every.WEEK else (local.replace(day=28) + timedelta(days=5)).replace(day=plan.day)
    return _moment(after, plan.hour, zone)


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


def _month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=day.day)


def _moment(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), zone).astimezone(UTC)
