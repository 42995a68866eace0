"""Forecast the queue wait of the next weeks by the median slope of the past ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import fmean, median

from core.usage.boards.records import WaitForecast

WEEKS_READ = 16
LEAST_WEEKS = 8
"""Measured weeks without which there is no forecast."""
WEEKS_AHEAD = 4
_TESTED = 4
"""The least weeks from which the line of a test is drawn."""

Week = tuple[date, float | None]


def forecast_of(weeks: Sequence[Week], limit_s: float | None) -> WaitForecast | None:
    """Return the forecast after the last of these complete weeks; None with too few measured ones.

    The line has the median slope of all pairs of weeks (Theil 1950, Sen 1968), which a few odd weeks do not turn. Its error is the mean
    absolute error of the same method for each past week, from the weeks before it alone.
    """
    measured = [(monday, value) for monday, value in weeks if value is not None]
    if len(measured) < LEAST_WEEKS:
        return None
    last = measured[-1][0]
    ahead = [last + timedelta(weeks=number) for number in range(1, WEEKS_AHEAD + 1)]
    points = [(monday, _at(measured, monday)) for monday in ahead]
    tested = [abs(_at(measured[:number], measured[number][0]) - measured[number][1]) for number in range(_TESTED, len(measured))]
    passed = next((monday for monday, value in points if limit_s is not None and value > limit_s), None)
    return WaitForecast(weeks=points, error_s=fmean(tested), from_weeks=len(measured), passes_limit=passed)


def _at(measured: Sequence[tuple[date, float]], monday: date) -> float:
    """Return the value of the line at a week; a wait is never negative."""
    first = measured[0][0]
    xs, ys = [(each - first).days / 7 for each, _ in measured], [value for _, value in measured]
    slopes = [(ys[b] - ys[a]) / (xs[b] - xs[a]) for a in range(len(xs)) for b in range(a + 1, len(xs))]
    slope = median(slopes)
    start = median(y - slope * x for x, y in zip(xs, ys, strict=True))
    return max(0.0, start + slope * (monday - first).days / 7)
