"""Mark changes in charts: a numbered line for each day with changes, and their names below the chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from html import escape

import plotly.graph_objects as go
import streamlit as st

from core.changes.markers import described
from core.changes.records import ChangeMarker
from pages.shell.frame import dark
from pages.shell.words import t
from pages.widgets.common.formats import short_day
from pages.widgets.usage import charts

MAX_OF_A_DAY = 5
NAMED = 6
"""Days with changes that are named below a chart; more are read under the cursor."""
ABOVE = 18
"""Pixels for the numbers above a chart."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The changes of a day, one per line. number: as the charts show it."""

    number: int
    day: date
    lines: tuple[str, ...]


def bounds(first: date, last: date, zone: tzinfo = UTC) -> tuple[datetime, datetime]:
    """Return the start (inclusive) and end (exclusive) of days on the clocks of a zone."""
    return datetime.combine(first, time(), zone), datetime.combine(last + timedelta(days=1), time(), zone)


def marks_of(markers: Sequence[ChangeMarker], zone: tzinfo = UTC) -> tuple[Mark, ...]:
    """Group markers by day, oldest first, and describe them."""
    by_day: dict[date, list[str]] = {}
    for marker in markers:
        if line := _line(marker):
            at = marker.at.astimezone(zone)
            by_day.setdefault(at.date(), []).append(f"{at:%H:%M} {line}")
    marks = []
    for number, (day, lines) in enumerate(by_day.items(), start=1):
        more = len(lines) - MAX_OF_A_DAY
        shown = [*lines[:MAX_OF_A_DAY], t("and {n} more", n=more)] if more > 0 else lines
        marks.append(Mark(number, day, tuple(shown)))
    return tuple(marks)


def add_marks(figure: go.Figure, marks: Sequence[Mark], dark: bool, weeks: Sequence[date] = ()) -> None:
    """Draw a dotted line with its number at each day with changes. weeks: the Mondays of a chart that has one category for each."""
    drawn = [(mark, x) for mark in marks if (x := _position(mark.day, weeks)) is not None]
    if not drawn:
        return
    muted = charts.palette(dark).muted
    for mark, x in drawn:
        figure.add_shape(type="line", x0=x, x1=x, y0=0, y1=1, yref="paper", line=dict(width=1, dash="dot", color=muted))
        figure.add_annotation(
            x=x, y=1, yref="paper", yanchor="bottom", text=str(mark.number), showarrow=False, font=dict(size=11, color=muted),
            hovertext="<br>".join(map(escape, mark.lines)),
        )  # fmt: skip
    figure.update_layout(margin_t=ABOVE)


def show_marked(
    figure: go.Figure, marks: Sequence[Mark], key: str, alt: str, weeks: Sequence[date] = (), *, named: bool = True
) -> None:
    """Draw a chart over time with its marks. named: whether they are named below it."""
    add_marks(figure, marks, dark(), weeks)
    charts.show(figure, key, alt)
    if named and (words := names_of(marks)):
        st.html(words)


def names_of(marks: Sequence[Mark]) -> str:
    """Return the names of the marks below a chart, as HTML; "" without marks."""
    if not marks:
        return ""
    named = "".join(_named(each) for each in marks[:NAMED])
    more = len(marks) - NAMED
    rest = f"<span>{escape(t('and {n} more days with changes', n=more))}</span>" if more > 0 else ""
    return f"<p class='marks'>{named}{rest}</p>"


def _named(mark: Mark) -> str:
    first = mark.lines[0].partition(" ")[2]
    more = t("and {n} more", n=len(mark.lines) - 1) if len(mark.lines) > 1 else ""
    words = " ".join(filter(None, (t(", ").join([short_day(mark.day), first]), more)))
    return f"<span title='{escape(chr(10).join(mark.lines), quote=True)}'><b>{mark.number}</b>{escape(words)}</span>"


def _position(day: date, weeks: Sequence[date]) -> str | float | None:
    """Return where a day lies on the axis; None if its week is not drawn. A category is one wide, and its name stands in its middle."""
    if not weeks:
        return day.isoformat()
    monday = day - timedelta(days=day.weekday())
    return weeks.index(monday) + (day.weekday() + 0.5) / 7 - 0.5 if monday in weeks else None


def _line(marker: ChangeMarker) -> str:
    """Return a description of a change; "" for a kind that this version does not know."""
    words = described(marker)
    return "" if words is None else t(words[0], **words[1])
