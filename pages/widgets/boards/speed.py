"""Draw the Speed board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.usage.boards.records import Speed
from core.usage.figures import Figure
from core.usage.rollups.records import Measure
from core.usage.rollups.sketches import Sketch
from pages.shell.frame import dark
from pages.shell.words import t
from pages.widgets.boards.figures import figure, percent_change
from pages.widgets.boards.parts import sentence
from pages.widgets.boards.plots import head, period_words
from pages.widgets.common.data_frame import data_frame
from pages.widgets.common.formats import MISSING, count, seconds, speed
from pages.widgets.usage import charts
from pages.widgets.usage.change_marks import Mark, show_marked
from pages.widgets.usage.charts import Line

SHARES = (0.5, 0.95, 0.99)
_TIMES = (Measure.TTFT, Measure.QUEUE, Measure.LATENCY)


def speed_board(board: Speed, marks: Sequence[Mark]) -> None:
    """Draw the board."""
    first = Figure(_quantile(board.now, Measure.TTFT, 0.95), _quantile(board.before, Measure.TTFT, 0.95))
    n = _counted(board.now)
    if first.now is None:
        sentence(t("Nothing was measured in this period."))
        return
    bold = t("19 of 20 answers begin within {time}.", time=seconds(first.now))
    moved = "" if first.change is None or abs(first.change) < 0.02 else (
        t("That is {percent} % longer than in the period before.", percent=f"{first.change * 100:,.0f}")
        if first.change > 0
        else t("That is {percent} % shorter than in the period before.", percent=f"{-first.change * 100:.0f}")
    )  # fmt: skip
    sentence(bold, moved)
    before = t("vs. {period}", period=period_words(board.query.before.first, board.query.before.last))
    names = {Measure.TTFT: t("Time to first token"), Measure.QUEUE: t("Queue wait"), Measure.LATENCY: t("Answer time")}
    with st.grid(4, min_column_width=160, gap="small", key="kpis"):
        for measure in _TIMES:
            pair = Figure(_quantile(board.now, measure, 0.95), _quantile(board.before, measure, 0.95))
            trend = [_quantile(each, measure, 0.95) for each in board.days.values()]
            figure(
                t("{measure}, p95", measure=names[measure]),
                seconds(pair.now),
                percent_change(pair.change),
                before,
                good="down",
                trend=trend,
            )
        pair = Figure(_quantile(board.now, Measure.SPEED, 0.5), _quantile(board.before, Measure.SPEED, 0.5))
        trend = [_quantile(each, Measure.SPEED, 0.5) for each in board.days.values()]
        figure(t("Speed, median"), speed(pair.now), percent_change(pair.change), before, good="up", trend=trend)
    with st.grid(2, min_column_width=340, gap="small", key="boardcards"):
        for measure in (Measure.TTFT, Measure.QUEUE):
            _chart(board, marks, measure, names[measure], "s")
        _chart(board, marks, Measure.LATENCY, names[Measure.LATENCY], "s")
        _chart(board, marks, Measure.SPEED, t("Tokens per second"), "")
    _table(board, n)


def _chart(board: Speed, marks: Sequence[Mark], measure: Measure, title: str, unit: str) -> None:
    days = list(board.days)
    values = {share: [_quantile(board.days[day], measure, share) for day in days] for share in SHARES}
    rows = [(day, *(values[share][n] for share in SHARES)) for n, day in enumerate(days)]
    with st.container(border=True, key=f"card-board-{measure.value}", gap="xsmall"):
        sub = t("In seconds; a gap is a day without answers") if unit else t("While an answer is written; a gap is a day without answers")
        head(f"{measure.value}-per-day", title, sub, ("day", "p50", "p95", "p99"), lambda: rows)
        shown = (0.99, 0.95, 0.5) if unit else (0.5,)
        series = [Line(f"p{share * 100:.0f}", values[share], colour) for share, colour in zip(shown, (3, 0, 5), strict=False)]
        show_marked(charts.lines(days, series, dark(), unit=unit), marks, f"chart-board-{measure.value}", title)


def _table(board: Speed, n: int) -> None:
    header = [t("Model"), t("Answers")]
    header += [f"{name} {quantile}" for name in (t("First token"), t("Queue"), t("Answer time")) for quantile in ("p50", "p95", "p99")]
    header.append(t("Tokens per second, p50"))
    models = sorted(board.models.items(), key=lambda each: -_counted(each[1]))
    rows: list[list[str | float | None]] = [
        [
            name, _counted(own), *(_quantile(own, measure, share) for measure in _TIMES for share in SHARES),
            _quantile(own, Measure.SPEED, 0.5),
        ]
        for name, own in models
    ]  # fmt: skip
    with st.container(border=True, key="card-board-speeds", gap="xsmall"):
        sub = t("{n} answers without an error; every quantile lies within 1 % of a measured value", n=count(n))
        head("speed-by-model", t("By model"), sub, header, lambda: rows)
        number = st.column_config.NumberColumn
        columns = {
            "0": st.column_config.TextColumn(header[0], width=200),
            "1": number(header[1], format="localized"),
            **{str(index): number(header[index], format="%.2f s") for index in range(2, len(header) - 1)},
            str(len(header) - 1): number(header[-1], format="%.0f"),
        }
        frame = data_frame({str(index): [row[index] for row in rows] for index in range(len(header))})
        st.dataframe(frame, hide_index=True, column_config=columns, placeholder=MISSING, key="table-board-speeds")


def _quantile(sketches: Mapping[Measure, Sketch], measure: Measure, share: float) -> float | None:
    return sketches.get(measure, Sketch()).quantile(share)


def _counted(sketches: Mapping[Measure, Sketch]) -> int:
    return sketches.get(Measure.LATENCY, Sketch()).n
