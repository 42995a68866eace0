"""Draw the charts of the boards; each can be downloaded as CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import plotly.graph_objects as go
import streamlit as st

from core.usage.boards.records import HeatCell, RatedWeek
from core.usage.csv_file import to_csv
from core.usage.rollups.records import ActiveWeek
from pages.shell.frame import dark
from pages.shell.words import language, t
from pages.widgets.common.card import card_title
from pages.widgets.common.formats import count, share, short_day
from pages.widgets.usage import charts

Rows = Callable[[], Sequence[Sequence[object]]]
_EXPORTS = "boards-exports"


def offer_exports(allowed: bool) -> None:
    """Draw the buttons that download figures, or leave them out, from now on in this session."""
    st.session_state[_EXPORTS] = allowed


def head(key: str, title: str, sub: str, columns: Sequence[str], rows: Rows) -> None:
    """Draw the title of a card, and the button that downloads its figures if the person may export."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="top", gap="small", key=f"boardhead-{key}"):
        with st.container():
            card_title(title, sub)
        if st.session_state.get(_EXPORTS, False):
            st.download_button(
                t("CSV"), lambda: to_csv(columns, rows()), f"{key}.csv", "text/csv", key=f"boardcsv-{key}", on_click="ignore",
                type="tertiary", icon=":material/download:", help=t("Download the figures of this chart"),
            )  # fmt: skip


def rated_mondays(weeks: Sequence[RatedWeek]) -> list[date]:
    """Return the weeks that `weeks_with_intervals` draws."""
    return [each.monday for each in weeks if each.rated.interval() is not None]


def weeks_with_intervals(weeks: Sequence[RatedWeek]) -> go.Figure:
    """Return the share of good ratings per week with its 95 % interval, and the number of ratings below."""
    known = [(each.monday, each.rated.value, each.rated.interval(), each.rated.of) for each in weeks]
    drawn = [(monday, value, interval, n) for monday, value, interval, n in known if value is not None and interval is not None]
    palette = charts.palette(dark())
    figure = go.Figure(
        go.Scatter(
            x=[_week(monday, n) for monday, _, _, n in drawn],
            y=[value * 100 for _, value, _, _ in drawn],
            mode="lines+markers" if len(drawn) > 1 else "markers",
            line=dict(width=2, color=palette.series[0]),
            marker=dict(size=6),
            error_y=dict(
                array=[(interval[1] - value) * 100 for _, value, interval, _ in drawn],
                arrayminus=[(value - interval[0]) * 100 for _, value, interval, _ in drawn],
                width=0,
                thickness=2,
            ),
            customdata=[f"{share(value)}, {share(interval[0])} – {share(interval[1])}" for _, value, interval, _ in drawn],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    low = min((interval[0] for _, _, interval, _ in drawn), default=0.0)
    figure.update_layout(template=charts.template(dark()), height=charts.HEIGHT)
    figure.update_xaxes(type="category", nticks=8, tickangle=0)
    figure.update_yaxes(range=[max(0, low * 100 - 5), 102], ticksuffix=" %", rangemode="normal")
    return figure


def people_per_week(weeks: Sequence[ActiveWeek]) -> go.Figure:
    """Return stacked bars of returning and new people per week."""
    palette = charts.palette(dark())
    figure = go.Figure()
    series = ((t("Returning"), [each.active - each.new for each in weeks], 0), (t("New"), [each.new for each in weeks], 1))
    for name, values, colour in series:
        figure.add_bar(
            x=[short_day(each.monday) for each in weeks], y=values, name=name, marker=dict(color=palette.series[colour]),
            hovertemplate=f"{name} %{{y:,}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(template=charts.template(dark()), height=charts.HEIGHT, barmode="stack")
    figure.update_xaxes(type="category", nticks=8, tickangle=0)
    return figure


def heat_table(heat: Mapping[tuple[int, int], HeatCell], values: Mapping[tuple[int, int], float | None], scale: float) -> str:
    """Return the hours of a week as an HTML table. scale: the value of the darkest colour."""
    hours = _hours_with_answers(heat)
    first = "".join(f"<th scope='col'>{hour}</th>" for hour in hours)
    rows = ""
    for weekday in range(7):
        cells = ""
        for hour in hours:
            value = values[weekday, hour]
            words = "" if value is None else f"{value:.0f}" if value >= 9.95 or value == 0 else f"{value:.1f}".rstrip("0").rstrip(".")
            depth = "n" if value is None else f"h{min(5, int(value / scale * 6))}"
            label = t("not measured") if value is None else words
            cells += f"<td class='{depth}' aria-label='{label}'>{words}</td>"
        rows += f"<tr><th scope='row'>{weekday_name(weekday)}</th>{cells}</tr>"
    return f"<div class='heatbox'><table class='heat'><thead><tr><th></th>{first}</tr></thead><tbody>{rows}</tbody></table></div>"


def weekday_name(weekday: int) -> str:
    return t(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[weekday])


def _hours_with_answers(heat: Mapping[tuple[int, int], HeatCell]) -> list[int]:
    """Return the hours from the first to the last with answers on any weekday, at least twelve, so that nights take no room."""
    used = [hour for (_, hour), cell in heat.items() if cell.answers or cell.busy]
    first, last = (min(used), max(used)) if used else (7, 18)
    while last - first < 11:
        first, last = max(0, first - 1), min(23, last + 1)
    return list(range(first, last + 1))


def _week(monday: date, n: int) -> str:
    return f"{short_day(monday)}<br>{count(n)}"


def period_words(first: date, last: date) -> str:
    """Return days as people write them: 4 Oct to 31 Oct."""
    return t("{first} to {last}", first=short_day(first), last=short_day(last))


def day_words(day: date) -> str:
    """Return a day with its weekday and year."""
    if language() == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day:%A}, {day.day} {day:%B %Y}"
