"""Format numbers for people: a space before the unit, commas between thousands, a dash for a value that was not measured."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pages.shell.words import language, t

MISSING = "–"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def count(value: int | None) -> str:
    """Format a count: 12,345, or 12.3 M from ten million on."""
    if value is None:
        return MISSING
    return f"{value:,}" if abs(value) < 10_000_000 else f"{value / 1e6:,.1f} M"


def amount(value: float | None) -> str:
    """Format an amount without its currency: 1,284.20; 0.0012 for small ones."""
    if value is None:
        return MISSING
    return f"{value:,.2f}" if value >= 1 or value == 0 else f"{value:.2g}"


def seconds(value: float | None) -> str:
    """Format seconds: 0.04 s, 1.3 s, 128 s."""
    if value is None:
        return MISSING
    return f"{value:.2f} s" if value < 0.095 else f"{value:.1f} s" if value < 99.95 else f"{value:,.0f} s"


def milliseconds(value: float | None) -> str:
    """Format seconds as milliseconds: 0.0384 -> 38 ms."""
    return MISSING if value is None else f"{value * 1000:,.0f} ms"


def share(value: float | None) -> str:
    """Format a share as a percentage: 0.874 -> 87.4 %."""
    return MISSING if value is None else f"{value * 100:.1f} %"


def speed(value: float | None) -> str:
    """Format tokens per second: 38 tok/s, 2.4 tok/s."""
    if value is None:
        return MISSING
    return f"{value:,.0f} tok/s" if value >= 9.95 else f"{value:.1f} tok/s"


def size(value: int) -> str:
    """Format bytes in decimal units, as model listings do: 512 B, 9.4 MB, 16.3 GB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if abs(value) >= 0.9995 * scale:
            return f"{value / scale:,.1f} {unit}"
    return f"{value / 1e3:,.0f} kB" if abs(value) >= 1000 else f"{value} B"


def parameters(value: int) -> str:
    """Format a number of parameters: 9.4 B, 4.7 M, 28 k."""
    return f"{value / 1e9:,.1f} B" if value >= 1e9 else f"{value / 1e6:,.1f} M" if value >= 0.95e6 else f"{value / 1e3:,.0f} k"


def short_day(day: date) -> str:
    """Return a day without its year: 4 Oct."""
    return f"{day.month}月{day.day}日" if language() == "zh" else f"{day.day} {day:%b}"


def age(then: datetime, now: datetime | None = None) -> str:
    """Return the time since a moment in the largest unit that fits: 12 min, 3 h, 2 d."""
    past = max(0.0, ((now or datetime.now(UTC)) - then).total_seconds())
    if past < _MINUTE:
        return t("just now")
    if past < _HOUR:
        return t("{n} min", n=int(past / _MINUTE))
    if past < _DAY:
        return t("{n} h", n=int(past / _HOUR))
    return t("{n} d", n=int(past / _DAY))


def ago(then: datetime) -> str:
    """Return how long ago a moment was: just now, 12 min ago."""
    now = datetime.now(UTC)
    return t("just now") if (now - then).total_seconds() < _MINUTE else t("{age} ago", age=age(then, now))


def ahead(then: datetime, now: datetime | None = None) -> str | None:
    """Return the time until a moment in the largest unit that fits: 40 s, 12 min, 3 h, 2 d. None if the moment has passed."""
    left = (then - (now or datetime.now(UTC))).total_seconds()
    if left <= 0:
        return None
    if left < _MINUTE:
        return f"{left:.0f} s"
    if left < _HOUR:
        return t("{n} min", n=int(left / _MINUTE))
    if left < _DAY:
        return t("{n} h", n=int(left / _HOUR))
    return t("{n} d", n=int(left / _DAY))
