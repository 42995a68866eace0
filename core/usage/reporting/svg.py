"""Draw tables as SVG without scripts, styles or links: colours are attributes, so that a strict content policy allows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from html import escape

from core.usage.records import Language
from core.usage.reporting.cells import number
from core.usage.reporting.records import Marked
from core.usage.reporting.wording import NAMES, say, short_day
from core.usage.sheets.records import Drawing, Table, Unit

WIDTH, HEIGHT = 760, 210
LEFT, RIGHT, TOP, FOOT = 52, 12, 20, 24
COLOURS = ("#2f5bd7", "#0e8a7d", "#b7791f")
GRID, TEXT = "#d9dce1", "#5a6068"
MAX_LABELS = 8


def chart(table: Table, language: Language, marks: Sequence[Marked] = ()) -> str:
    """Return the drawing of a table with dates in its first column; "" if nothing was measured. marks: numbered in their order."""
    names = [column.name for column in table.columns]
    days = [row[0] for row in table.rows if isinstance(row[0], date)]
    series = [(name, [number(row[names.index(name)]) for row in table.rows]) for name in table.drawn]
    if not days or all(value is None for _, values in series for value in values):
        return ""
    percent = table.columns[names.index(table.drawn[0])].unit is Unit.SHARE
    stacked = table.drawing is Drawing.BARS
    tops = [sum(value or 0 for value in values) for values in zip(*(values for _, values in series), strict=True)] if stacked else [
        value for _, values in series for value in values if value is not None
    ]  # fmt: skip
    top, step = _scale(1.0 if percent else max(tops))
    parts = [_grid(top, step, percent=percent), _marks(days, marks), _labels(days, language)]
    parts.append(_bars(series, top) if stacked else "".join(_line(values, top, COLOURS[n % 3]) for n, (_, values) in enumerate(series)))
    drawn = ", ".join(say(language, NAMES[name]) for name, _ in series)
    keys = "" if len(series) == 1 else "".join(
        f'<rect x="{LEFT + n * 130}" y="2" width="10" height="10" fill="{COLOURS[n % 3]}"/>'
        f'<text x="{LEFT + 15 + n * 130}" y="11" font-size="11" fill="{TEXT}">{escape(say(language, NAMES[name]))}</text>'
        for n, (name, _) in enumerate(series)
    )  # fmt: skip
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(drawn)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}{keys}</svg>'
    )


def bar(share: float) -> str:
    """Return a horizontal bar that fills this share of its cell."""
    filled = round(max(0.0, min(1.0, share)) * 160, 1)
    return (
        '<svg viewBox="0 0 160 8" width="160" height="8" aria-hidden="true" xmlns="http://www.w3.org/2000/svg">'
        f'<rect width="160" height="8" rx="3" fill="#eceef1"/><rect width="{filled}" height="8" rx="3" fill="{COLOURS[0]}"/></svg>'
    )


def _scale(highest: float) -> tuple[float, float]:
    """Return the top of the axis and the distance of its lines: 1, 2 or 5 times a power of ten."""
    if highest <= 0:
        return 1.0, 1.0
    rough = highest / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough * 0.999)
    return math.ceil(highest / step - 1e-9) * step, step


def _y(value: float, top: float) -> float:
    return round(TOP + (HEIGHT - TOP - FOOT) * (1 - value / top), 1)


def _x(index: float, count: int) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (index + 0.5) / count, 1)


def _grid(top: float, step: float, *, percent: bool) -> str:
    lines = ""
    for line in range(round(top / step) + 1):
        value = line * step
        y = _y(value, top)
        words = f"{value * 100:.0f} %" if percent else f"{value:,.0f}" if step >= 1 else f"{value:.3g}"
        lines += f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="{GRID}"/>'
        lines += f'<text x="{LEFT - 6}" y="{y + 4}" font-size="11" text-anchor="end" fill="{TEXT}">{words}</text>'
    return lines


def _labels(days: Sequence[date], language: Language) -> str:
    every = -(-len(days) // MAX_LABELS)
    return "".join(
        f'<text x="{_x(n, len(days))}" y="{HEIGHT - 6}" font-size="11" text-anchor="middle" fill="{TEXT}">'
        f"{escape(short_day(language, day))}</text>"
        for n, day in enumerate(days)
        if n % every == 0
    )


def _marks(days: Sequence[date], marks: Sequence[Marked]) -> str:
    """Draw a numbered line at each day with changes; in a chart of weeks, within its week."""
    found = ""
    for sign, day in enumerate(sorted({each.day for each in marks}), start=1):
        at = [n for n, start in enumerate(days) if start <= day]
        span = (days[1] - days[0]).days if len(days) > 1 else 1
        if not at or (day - days[at[-1]]).days >= span:
            continue
        x = _x(at[-1] + ((day - days[at[-1]]).days + 0.5) / span - 0.5, len(days))
        found += f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{HEIGHT - FOOT}" stroke="{TEXT}" stroke-dasharray="2 3"/>'
        found += f'<text x="{x}" y="{TOP - 3}" font-size="11" text-anchor="middle" fill="{TEXT}">{sign}</text>'
    return found


def _bars(series: Sequence[tuple[str, Sequence[float | None]]], top: float) -> str:
    count = len(series[0][1])
    width = round((WIDTH - LEFT - RIGHT) / count * 0.65, 1)
    drawn = ""
    for index in range(count):
        below = 0.0
        for n, (_, values) in enumerate(series):
            value = values[index] or 0.0
            if value > 0:
                y, foot = _y(below + value, top), _y(below, top)
                x = round(_x(index, count) - width / 2, 1)
                drawn += f'<rect x="{x}" y="{y}" width="{width}" height="{round(foot - y, 1)}" fill="{COLOURS[n % 3]}"/>'
                below += value
    return drawn


def _line(values: Sequence[float | None], top: float, colour: str) -> str:
    """Draw a line with gaps where nothing was measured; a value between two gaps is a dot."""
    drawn, points = "", list[str]()
    for index, value in enumerate([*values, None]):
        if value is not None:
            points.append(f"{_x(index, len(values))},{_y(value, top)}")
        elif points:
            x, y = points[0].split(",")
            drawn += f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>' if len(points) == 1 else (
                f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>'
            )  # fmt: skip
            points = []
    return drawn
