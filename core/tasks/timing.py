"""Say when work is due that recurs by the calendar: daily, weekly or monthly. Pure: the clock comes from outside."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.tasks.records import Every, Timing


def due_slot(timing: Timing, covered_until: datetime, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the slot to make up now; None if there is none. Of several missed ones only the newest counts."""
    slot = latest_slot(timing, now, zone)
    return slot if slot is not None and slot > covered_until else None


def latest_slot(timing: Timing, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the newest time until now at which work is due, in UTC; None without a schedule."""
    today = now.astimezone(zone).date()
    match timing.every:
        case Every.NEVER:
            return None
        case Every.DAY:
            day, before = today, today - timedelta(days=1)
        case Every.WEEK:
            day = today - timedelta(days=(today.weekday() - timing.weekday) % 7)
            before = day - timedelta(days=7)
        case Every.MONTH:
            day = today.replace(day=timing.day)
            before = (day.replace(day=1) - timedelta(days=1)).replace(day=timing.day)
    slot = _moment(day, timing.hour, zone)
    return slot if slot <= now else _moment(before, timing.hour, zone)


def next_slot(timing: Timing, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the next time at which work is due, in UTC."""
    slot = latest_slot(timing, now, zone)
    if slot is None:
        return None
    local = slot.astimezone(zone).date()
    match timing.every:
        case Every.MONTH:
            after = (local.replace(day=28) + timedelta(days=5)).replace(day=timing.day)
        case _:
            after = local + timedelta(days=7 if timing.every is Every.WEEK else 1)
    return _moment(after, timing.hour, zone)


def _moment(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), zone).astimezone(UTC)
