"""Forecast what a month will cost: each day that is left costs the mean of the same weekday in the last four weeks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

WEEKS = 4
LEAST_DAYS = 7
"""With fewer known days there is no forecast."""


def month_end(day: date) -> date:
    """Return the last day of a day's month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def expected_days(costs: Mapping[date, float], today: date) -> Mapping[date, float] | None:
    """Return the expected cost of each day after today in its month; None with too few known days.

    costs: of each day that was counted. Today is not over, so it counts as spent and is not part of any mean.
    """
    known = {day: cost for day, cost in costs.items() if today - timedelta(weeks=WEEKS) <= day < today}
    if len(known) < LEAST_DAYS:
        return None
    left = [today + timedelta(days=n) for n in range(1, (month_end(today) - today).days + 1)]
    return {day: _mean_of_weekday(known, day.weekday()) for day in left}


def passes_on(costs: Mapping[date, float], expected: Mapping[date, float], today: date, amount: float) -> date | None:
    """Return the first day of the month on which the sum is above an amount; None if it stays within."""
    total = 0.0
    spent = {day: cost for day, cost in costs.items() if day.replace(day=1) == today.replace(day=1) and day <= today}
    for day, cost in sorted({**spent, **expected}.items()):
        total += cost
        if total > amount:
            return day
    return None


def _mean_of_weekday(known: Mapping[date, float], weekday: int) -> float:
    own = [cost for day, cost in known.items() if day.weekday() == weekday]
    return sum(own) / len(own) if own else sum(known.values()) / len(known)
