"""Draw the queue wait of the weeks with its forecast and limit, and what would help."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import plotly.graph_objects as go
import streamlit as st

from core.usage.boards.records import Capacity, MachineFigure, Remedy, WaitForecast
from core.usage.boards.wait_forecast import LEAST_WEEKS
from pages.shell.frame import dark
from pages.shell.words import t
from pages.widgets.boards.plots import head
from pages.widgets.common.card import card_title
from pages.widgets.common.formats import seconds, share, short_day
from pages.widgets.usage import charts
from pages.widgets.usage.change_marks import Mark, show_marked

REMEDIES = {
    Remedy.MOVE_BATCHES: "Run batches and evaluations in nearly idle hours; the week has {n}.",
    Remedy.MORE_SLOTS: "Load the model with more slots: all are used in that hour, and its GPU has memory left.",
    Remedy.SMALLER_FILE: "Load a smaller file of the model: the memory of the GPU is nearly full, so no slots can be added.",
    Remedy.ANOTHER_PLATFORM: "Add a platform or a server: questions are shared among those that have the model.",
}
THEN = {
    MachineFigure.SLOTS: "{share} of the slots are used",
    MachineFigure.GPU: "the GPU computes for {share}",
    MachineFigure.GPU_MEMORY: "{share} of the GPU's memory is used",
    MachineFigure.MEMORY: "{share} of the server's memory is used",
    MachineFigure.CPU: "the processors work for {share}",
}


def waits(board: Capacity, marks: Sequence[Mark]) -> None:
    with st.container(border=True, key="card-board-waits", gap="xsmall"):
        rows = [(monday, value, "measured") for monday, value in board.weeks]
        rows += [(monday, value, "forecast") for monday, value in board.forecast.weeks] if board.forecast else []
        columns = ("week", "wait_p95_s", "kind")
        head("wait-per-week", t("Queue wait per week"), t("p95, in seconds; dotted is the forecast"), columns, lambda: rows)
        if board.weeks:
            figure = _weekly(board.weeks, board.forecast, board.limit_s)
            show_marked(figure, marks, "chart-board-waits", t("Queue wait per week"))
        else:
            st.caption(t("Nothing was measured in this period."))
        st.caption(forecast_words(board.forecast, board.limit_s))


def forecast_words(forecast: WaitForecast | None, limit_s: float | None) -> str:
    """Say the forecast with its error and the limit."""
    limit = t("Questions are refused above an expected wait of {time}.", time=seconds(limit_s)) if limit_s is not None else ""
    if forecast is None:
        return " ".join(filter(None, (t("Too little history for a forecast: it needs {n} weeks with answers.", n=LEAST_WEEKS), limit)))
    monday, value = forecast.weeks[-1]
    words = t(
        "Forecast for the week of {day}: {value}, by the median slope of {n} weeks. Its error in past weeks was {error} on average.",
        day=short_day(monday), value=seconds(value), n=forecast.from_weeks, error=seconds(forecast.error_s),
    )  # fmt: skip
    if forecast.passes_limit is not None:
        limit = t("It passes the limit of {time} in the week of {day}.", time=seconds(limit_s), day=short_day(forecast.passes_limit))
    return " ".join(filter(None, (words, limit)))


def what_would_help(board: Capacity) -> None:
    """Draw what the busiest hour was like, and what would help."""
    with st.container(border=True, key="card-board-help", gap="xsmall"):
        then = [t(words, share=share(board.remedies.then[figure])) for figure, words in THEN.items() if figure in board.remedies.then]
        card_title(t("What would help"), t("In the busiest hour: {facts}", facts=t(", ").join(then)) if then else "")
        if not board.remedies.helps:
            st.markdown(t("Nothing is needed: no hour is full, and questions wait for less than half the limit."))
        for each in board.remedies.helps:
            st.markdown(f"- {t(REMEDIES[each], n=board.remedies.quiet)}")


def _weekly(weeks: Sequence[tuple[date, float | None]], forecast: WaitForecast | None, limit_s: float | None) -> go.Figure:
    values = dict(weeks)
    ahead = dict(forecast.weeks) if forecast else {}
    first, last = min(values), max({*values, *ahead})
    mondays = [first + timedelta(weeks=number) for number in range((last - first).days // 7 + 1)]
    series = [charts.Line("p95", [values.get(each) for each in mondays], 0)]
    if ahead:
        series.append(charts.Line(t("forecast"), [ahead.get(each) for each in mondays], 1))
    figure = charts.lines(mondays, series, dark(), unit="s")
    if ahead:
        figure.data[1].line.dash = "dot"
    if limit_s is not None and limit_s <= figure.layout.yaxis.range[1]:
        figure.add_hline(y=limit_s, line=dict(width=1, dash="dash", color=charts.palette(dark()).text))
    every = -(-len(mondays) // 8) or 1
    figure.update_xaxes(tickmode="array", tickvals=mondays[::every], ticktext=[short_day(each) for each in mondays[::every]])
    return figure
