"""Draw the Quality board."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.usage.boards.records import Day, Quality
from core.usage.figures import Share, difference_interval
from core.usage.rollups.records import Sums
from pages.shell.frame import dark
from pages.shell.words import t
from pages.widgets.boards.figures import figure, points, ratio
from pages.widgets.boards.parts import sentence
from pages.widgets.boards.plots import head, period_words, rated_mondays, weeks_with_intervals
from pages.widgets.common.data_frame import data_frame
from pages.widgets.common.formats import MISSING, count, share
from pages.widgets.usage import charts
from pages.widgets.usage.change_marks import Mark, show_marked
from pages.widgets.usage.charts import Line
from pages.widgets.usage.filters import group_name

LEAST_RATINGS = 10
"""Fewer ratings than this are called too few."""


def quality(board: Quality, marks: Sequence[Mark]) -> None:
    """Draw the board."""
    now, before = (Share(each.rated_good, each.rated) for each in (board.now, board.before))
    sentence(*_words(now, before))
    period = t("vs. {period}", period=period_words(board.query.before.first, board.query.before.last))
    shares = (("errors", t("Failed")), ("regenerated", t("Asked again")), ("stopped", t("Stopped")), ("retries", t("Retried")))
    difference = None if now.value is None or before.value is None else now.value - before.value
    moved = points(difference)
    with st.grid(5, min_column_width=150, gap="small", key="kpis"):
        figure(
            t("Rated good"), share(now.value), t("{points} pts", points=moved) if moved else None, t("{n} ratings", n=now.of),
            good="up", trend=[each.rated.value for each in board.rated_weeks],
        )  # fmt: skip
        for name, label in shares:
            present, past = ratio(board.now, name), ratio(board.before, name)
            change = points(present - past) if present is not None and past is not None else None
            figure(
                label, share(present), t("{points} pts", points=change) if change else None, period, good="down",
                trend=[_share_of(each, name) for each in board.days], help=_MEANING[name](),
            )  # fmt: skip
    with st.grid(2, min_column_width=340, gap="small", key="boardcards"):
        with st.container(border=True, key="card-board-good", gap="xsmall"):
            weeks = [(each.monday, each.rated.of, each.rated.good, *(each.rated.interval() or (None, None))) for each in board.rated_weeks]
            columns = ("week", "rated", "good", "low", "high")
            head("rated-good", t("Rated good"), t("Share per week with its 95 % interval; ratings below"), columns, lambda: weeks)
            if now.of:
                drawn = weeks_with_intervals(board.rated_weeks)
                show_marked(drawn, marks, "chart-board-good", t("Rated good"), rated_mondays(board.rated_weeks))
            else:
                st.caption(t("No answers were rated in this period."))
        with st.container(border=True, key="card-board-troubles", gap="xsmall"):
            rows = [(each.day, *(getattr(each.sums, name) if each.sums else None for name, _ in shares)) for each in board.days]
            names = ("day", *(name for name, _ in shares))
            head("troubles-per-day", t("Failed and stopped"), t("Answers per day"), names, lambda: rows)
            series = [
                Line(label, [getattr(each.sums, name) if each.sums else None for each in board.days], colour)
                for name, label, colour in (("errors", t("Failed"), 3), ("stopped", t("Stopped"), 2))
            ]
            drawn = charts.lines([each.day for each in board.days], series, dark())
            show_marked(drawn, marks, "chart-board-troubles", t("Failed and stopped"))
    _table("models", t("By model"), t("Model"), [(each.name, each.now) for each in board.models])
    _table("groups", t("By group"), t("Group"), [(group_name(each.name), each.now) for each in board.groups])


_MEANING = {
    "errors": lambda: t("Answers that ended with an error, as a share of all answers."),
    "regenerated": lambda: t("Answers to a question that had an answer before, as a share of all answers."),
    "stopped": lambda: t("Answers that people stopped, as a share of all answers."),
    "retries": lambda: t("Answers that repeated themselves and were resumed by the portal, as a share of all answers."),
}


def _words(now: Share, before: Share) -> tuple[str, str]:
    interval = now.interval()
    if interval is None or now.of < LEAST_RATINGS:
        return t("Too few ratings to judge: {n}.", n=now.of), t("From {n} ratings on, this board says what they show.", n=LEAST_RATINGS)
    bold = t("{share} of {n} rated answers are good.", share=share(now.value), n=count(now.of))
    spread = t("With 95 % confidence, the true share lies between {low} and {high}.", low=share(interval[0]), high=share(interval[1]))
    difference = difference_interval(now, before)
    if difference is None or before.of < LEAST_RATINGS:
        return bold, spread
    if difference[0] > 0:
        return bold, f"{spread} {t('That is better than in the period before.')}"
    if difference[1] < 0:
        return bold, f"{spread} {t('That is worse than in the period before.')}"
    return bold, f"{spread} {t('The difference from the period before may be chance.')}"


def _share_of(day: Day, name: str) -> float | None:
    return None if day.sums is None else ratio(day.sums, name)


def _table(key: str, title: str, first: str, rows: list[tuple[str, Sums]]) -> None:
    shown = [(name, sums) for name, sums in rows if sums.answers]
    values = [
        (name, sums.answers, sums.rated, _good(sums), *(ratio(sums, each) for each in ("errors", "regenerated", "stopped", "cut")))
        for name, sums in shown
    ]  # fmt: skip
    names = (first, t("Answers"), t("Ratings"), t("Rated good"), t("Failed"), t("Asked again"), t("Stopped"), t("Cut at the limit"))
    with st.container(border=True, key=f"card-board-{key}", gap="xsmall"):
        head(f"quality-{key}", title, t("Shares of all answers; rated good with its 95 % interval"), names, lambda: values)
        frame = data_frame(
            {
                "0": [row[0] for row in values],
                "1": [row[1] for row in values],
                "2": [row[2] for row in values],
                "3": [row[3] for row in values],
                **{str(n): [None if row[n] is None else row[n] * 100 for row in values] for n in range(4, 8)},  # type: ignore[operator]
            }
        )
        number = st.column_config.NumberColumn
        columns = {
            "0": st.column_config.TextColumn(names[0], width=200),
            "1": number(names[1], format="localized"),
            "2": number(names[2], format="localized"),
            "3": st.column_config.TextColumn(names[3]),
            **{str(n): number(names[n], format="%.1f %%") for n in range(4, 8)},
        }
        st.dataframe(frame, hide_index=True, column_config=columns, placeholder=MISSING, key=f"table-board-{key}")


def _good(sums: Sums) -> str:
    rated = Share(sums.rated_good, sums.rated)
    interval = rated.interval()
    if interval is None:
        return MISSING
    if rated.of < LEAST_RATINGS:
        return t("too few")
    return f"{share(rated.value)} ({share(interval[0])} – {share(interval[1])})"
