"""Draw the Capacity board."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.usage.boards.records import Capacity
from pages.shell.words import t
from pages.widgets.boards.figures import figure, points
from pages.widgets.boards.parts import sentence
from pages.widgets.boards.plots import head, heat_table, period_words, weekday_name, weekly_line
from pages.widgets.common.formats import seconds, share
from pages.widgets.usage.change_marks import Mark, show_marked

FULL = 0.8
"""A model that computes for this share of an hour is called full: questions of that hour wait."""
LONGEST_WAIT_S = 10.0
"""The wait of the darkest colour."""


def capacity(board: Capacity, zone: str, marks: Sequence[Mark]) -> None:
    """Draw the board. zone: whose clocks the hours are."""
    sentence(*_words(board))
    before = t("vs. {period}", period=period_words(board.query.before.first, board.query.before.last))
    full = sum(cell.busy is not None and cell.busy >= FULL for cell in board.heat.values())
    reused, past = board.reused.value, board.reused_before.value
    moved = points(None if reused is None or past is None else reused - past)
    busier = points(board.busy_now.difference)
    wait = board.wait_p95.difference
    with st.grid(4, min_column_width=160, gap="small", key="kpis"):
        figure(t("Busiest hour of the week"), share(board.busy_now.now), t("{points} pts", points=busier) if busier else None, before)
        figure(t("Queue wait, p95"), seconds(board.wait_p95.now), None if wait is None else f"{wait:+.2f} s", before, good="down")
        figure(t("Full hours a week"), str(full), None, "", help=t("Hours in which a model computes for at least 80 % of the time."))
        figure(
            t("Prompt reused"), share(reused), t("{points} pts", points=moved) if moved else None, before, good="up",
            help=t("Prompt tokens that were in the KV cache already."),
        )  # fmt: skip
    with st.container(border=True, key="card-board-heat", gap="xsmall"):
        rows = [(weekday_name(day), hour, cell.busy, cell.wait_p95, cell.answers) for (day, hour), cell in sorted(board.heat.items())]
        sub = t("Clocks of {zone}; all groups, since they share the models. Hatched: not measured", zone=zone)
        columns = ("weekday", "hour", "busy", "wait_p95_s", "answers")
        head("capacity-by-hour", t("Hours of the week"), sub, columns, lambda: rows)
        kinds = {"busy": t("Computing, % of the hour"), "wait": t("Queue wait, p95, seconds")}
        kind = st.segmented_control(
            t("Show"), list(kinds), format_func=lambda name: kinds[name], key="board-heat", default="busy", required=True,
            label_visibility="collapsed",
        )  # fmt: skip
        if kind == "wait":
            st.html(heat_table(board.heat, {slot: cell.wait_p95 for slot, cell in board.heat.items()}, LONGEST_WAIT_S))
        else:
            busy = {slot: None if cell.busy is None else cell.busy * 100 for slot, cell in board.heat.items()}
            st.html(heat_table(board.heat, busy, 100))
            st.caption(
                t("Of the busiest model that computes on this server; the mean of these weeks. Other servers do not tell their load.")
            )
    with st.container(border=True, key="card-board-waits", gap="xsmall"):
        head("wait-per-week", t("Queue wait per week"), t("p95, in seconds"), ("week", "wait_p95_s"), lambda: board.weeks)
        if board.weeks:
            show_marked(weekly_line(board.weeks, "p95"), marks, "chart-board-waits", t("Queue wait per week"))
        else:
            st.caption(t("Nothing was measured in this period."))


def _words(board: Capacity) -> tuple[str, str]:
    if board.busiest is None or board.busy_now.now is None:
        return t("No local model computed in this period."), t("Waits are measured for other servers too.") if board.weeks else ""
    weekday, hour = board.busiest
    at = t("{weekday} from {first} to {last}", weekday=weekday_name(weekday), first=f"{hour}:00", last=f"{(hour + 1) % 24}:00")
    busy = share(board.busy_now.now)
    if board.busy_now.now >= FULL:
        bold = t("A model is full in its busiest hour, {hour}: it computes for {share} of it.", hour=at, share=busy)
    else:
        bold = t("There is room: in the busiest hour, {hour}, a model computes for {share} of it.", hour=at, share=busy)
    waits = board.wait_p95.now
    return bold, t("19 of 20 questions wait at most {time}.", time=seconds(waits)) if waits is not None else ""
