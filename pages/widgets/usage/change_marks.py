"""Mark changes in charts by day: a dotted line per day, which lists the changes of that day on hover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from html import escape

import plotly.graph_objects as go

from core.models.markers import Change
from core.models.swaps.records import ChangeMarker
from pages.shell.words import t
from pages.widgets.usage.charts import palette

MAX_OF_A_DAY = 5
WORDS = {
    Change.SWAP: "{time} {model} was swapped to version {version}",
    Change.LOAD: "{time} {model} was loaded",
    Change.UNLOAD: "{time} {model} was unloaded",
    Change.DEFAULT: "{time} {model} became the default",
    Change.CONFIGURATION: "{time} Configuration version {version} was applied",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """The changes of a day, one per line."""

    day: date
    lines: tuple[str, ...]


def bounds(first: date, last: date) -> tuple[datetime, datetime]:
    """Return the start (inclusive) and end (exclusive) of a report's days, which are days in UTC."""
    return datetime.combine(first, time(), UTC), datetime.combine(last + timedelta(days=1), time(), UTC)


def marks_of(markers: Sequence[ChangeMarker]) -> tuple[Mark, ...]:
    """Group markers by day, oldest first, and describe them."""
    by_day: dict[date, list[str]] = {}
    for marker in markers:
        if line := _line(marker):
            by_day.setdefault(marker.at.date(), []).append(line)
    marks = []
    for day, lines in by_day.items():
        more = len(lines) - MAX_OF_A_DAY
        shown = [*lines[:MAX_OF_A_DAY], t("and {n} more", n=more)] if more > 0 else lines
        marks.append(Mark(day, tuple(shown)))
    return tuple(marks)


def add_marks(figure: go.Figure, marks: Sequence[Mark], dark: bool) -> None:
    """Draw a dotted line at each day with changes; keep the chart's range."""
    if not marks:
        return
    top = figure.layout.yaxis.range[1]
    for mark in marks:
        figure.add_vline(x=mark.day.isoformat(), line=dict(width=1, dash="dot", color=palette(dark).muted))
    figure.add_scatter(
        x=[mark.day for mark in marks],
        y=[top] * len(marks),
        mode="markers",
        name=escape(t("Changes")),
        marker=dict(symbol="triangle-down", size=8, color=palette(dark).muted),
        cliponaxis=False,
        customdata=["<br>".join(map(escape, mark.lines)) for mark in marks],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _line(marker: ChangeMarker) -> str:
    """Return a description of a change; "" for a kind that this version does not know."""
    try:
        words = WORDS[Change(marker.kind)]
    except ValueError:
        return ""
    version = marker.subject if marker.kind == Change.CONFIGURATION else marker.details.get("to", "")
    if marker.details.get("state") == "rolled_back":
        words, version = "{time} The swap of {model} was rolled back to version {version}", marker.details.get("from", "")
    return t(words, time=f"{marker.at:%H:%M}", model=marker.subject, version=version)
