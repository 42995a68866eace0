"""Show how full the models are, by hour of the week."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.usage.boards.records import HeatCell
from core.usage.rollups.days import HOUR, bounds_of
from core.usage.rollups.records import HourCell
from core.usage.rollups.sketches import Sketch

Slot = tuple[int, int]
"""A weekday, Monday is 0, and an hour."""


def heat_of(hours: Sequence[HourCell], days: Sequence[date], zone: ZoneInfo, now: datetime) -> Mapping[Slot, HeatCell]:
    """Return each hour of the week, as the mean over these days.

    Saturation is that of the busiest model. An hour without rows on a day that was added up was idle. An hour whose answers measured no
    computing, such as those of other servers, is left out, and so is the hour that runs now.
    """
    busy: dict[datetime, float | None] = {}
    queue: dict[Slot, list[bytes]] = defaultdict(list)
    answers: Counter[Slot] = Counter()
    by_model: dict[tuple[datetime, str, str], float] = defaultdict(float)
    for each in hours:
        slot = _slot(each.hour, zone)
        answers[slot] += each.answers
        queue[slot].append(each.queue)
        if each.busy_s is None:
            busy.setdefault(each.hour, None)
        else:
            key = each.hour, each.model, each.platform
            by_model[key] += each.busy_s
            busy[each.hour] = max(busy.get(each.hour) or 0.0, by_model[key])
    shares: dict[Slot, list[float]] = defaultdict(list)
    for hour in _hours_of(days, zone):
        seconds = busy.get(hour, 0.0)
        if hour + HOUR <= now and seconds is not None:
            shares[_slot(hour, zone)].append(seconds / HOUR.total_seconds())
    return {
        (weekday, hour): HeatCell(
            busy=_mean(shares.get((weekday, hour), [])),
            wait_p95=Sketch.merged(queue.get((weekday, hour), [])).quantile(0.95),
            answers=answers[weekday, hour],
        )
        for weekday in range(7)
        for hour in range(24)
    }


def weekly_waits(hours: Sequence[HourCell], zone: ZoneInfo) -> list[tuple[date, float | None]]:
    """Return the p95 wait of each week, by its Monday."""
    weeks: dict[date, list[bytes]] = defaultdict(list)
    for each in hours:
        day = each.hour.astimezone(zone).date()
        weeks[day - timedelta(days=day.weekday())].append(each.queue)
    return [(monday, Sketch.merged(packed).quantile(0.95)) for monday, packed in sorted(weeks.items())]


def busiest_of(heat: Mapping[Slot, HeatCell]) -> Slot | None:
    """Return the busiest hour of the week; None if nothing was computed."""
    measured = {slot: cell.busy for slot, cell in heat.items() if cell.busy}
    return max(measured, key=lambda slot: measured[slot]) if measured else None


def _slot(hour: datetime, zone: ZoneInfo) -> Slot:
    local = hour.astimezone(zone)
    return local.weekday(), local.hour


def _hours_of(days: Sequence[date], zone: ZoneInfo) -> list[datetime]:
    found: list[datetime] = []
    for day in days:
        hour, end = bounds_of(day, zone)
        while hour < end:
            found.append(hour.astimezone(UTC))
            hour += HOUR
    return found


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
