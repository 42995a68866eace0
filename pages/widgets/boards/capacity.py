"""Draw the Capacity board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.usage.boards.records import Capacity, MachineFigure
from core.usage.boards.remedies import FULL
from pages.shell.words import t
from pages.widgets.boards.figures import figure, points
from pages.widgets.boards.parts import sentence
from pages.widgets.boards.plots import head, heat_table, period_words, weekday_name
from pages.widgets.boards.waits import waits, what_would_help
from pages.widgets.common.formats import seconds, share
from pages.widgets.usage.change_marks import Mark

LONGEST_WAIT_S = 10.0
"""The wait of the darkest colour."""
BUSY, WAIT = "busy", "wait"
KINDS = {
    BUSY: "Computing, % of the hour",
    WAIT: "Queue wait, p95, seconds",
    MachineFigure.SLOTS: "Slots used, %",
    MachineFigure.GPU: "GPU, %",
    MachineFigure.GPU_MEMORY: "GPU memory, %",
    MachineFigure.POWER: "GPU power, watts",
    MachineFigure.MEMORY: "Server memory, %",
    MachineFigure.CPU: "Processors, %",
}


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
    _heat(board, zone)
    waits(board, marks)
    what_would_help(board)


def _heat(board: Capacity, zone: str) -> None:
    with st.container(border=True, key="card-board-heat", gap="xsmall"):
        rows = [
            (weekday_name(slot[0]), slot[1], cell.busy, cell.wait_p95, cell.answers, *(_of(board, each, slot) for each in MachineFigure))
            for slot, cell in sorted(board.heat.items())
        ]
        sub = t("Clocks of {zone}; all groups, since they share the models. Hatched: not measured", zone=zone)
        columns = ("weekday", "hour", "busy", "wait_p95_s", "answers", *(each.value for each in MachineFigure))
        head("capacity-by-hour", t("Hours of the week"), sub, columns, lambda: rows)
        kind = st.pills(
            t("Show"), list(KINDS), format_func=lambda name: t(KINDS[name]), key="board-heat", default=BUSY, required=True,
            label_visibility="collapsed",
        )  # fmt: skip
        values, scale = _values(board, kind)
        st.html(heat_table(board.heat, {slot: values.get(slot) for slot in board.heat}, scale))
        st.caption(_note(kind, measured=bool(values)))


def _of(board: Capacity, figure: MachineFigure, slot: tuple[int, int]) -> float | None:
    return board.machines.get(figure, {}).get(slot)


def _values(board: Capacity, kind: str) -> tuple[Mapping[tuple[int, int], float | None], float]:
    """Return what the table shows, and the value of its darkest colour."""
    if kind == WAIT:
        return {slot: cell.wait_p95 for slot, cell in board.heat.items()}, LONGEST_WAIT_S
    if kind == BUSY:
        return {slot: None if cell.busy is None else cell.busy * 100 for slot, cell in board.heat.items()}, 100
    own = board.machines.get(MachineFigure(kind), {})
    if kind == MachineFigure.POWER:
        return dict(own), max(own.values(), default=0.0) or 1.0
    return {slot: value * 100 for slot, value in own.items()}, 100


def _note(kind: str, *, measured: bool) -> str:
    """Say where the figures come from."""
    if kind == BUSY:
        return t("Of the busiest model that computes on this server; the mean of these weeks. Other servers do not tell their load.")
    if kind == WAIT:
        return t("In each hour, 19 of 20 questions waited no longer than this.")
    if not measured:
        if kind in (MachineFigure.GPU, MachineFigure.GPU_MEMORY, MachineFigure.POWER):
            return t("Not measured: no server had an NVIDIA GPU that reported it in this period.")
        return t("Not measured in this period: the history of the servers begins with this version.")
    if kind == MachineFigure.POWER:
        return t("Of all GPUs of all servers together; the mean of these weeks.")
    return t("Of the fullest model, GPU or server; the mean of these weeks.")


def _words(board: Capacity) -> tuple[str, str]:
    waited = board.wait_p95.now
    rest = t("19 of 20 questions wait at most {time}.", time=seconds(waited)) if waited is not None else ""
    busy, slots = board.busy_now.now, board.remedies.then.get(MachineFigure.SLOTS)
    if board.busiest is None or (busy is None and slots is None):
        return t("No local model computed in this period."), t("Waits are measured for other servers too.") if board.weeks else ""
    weekday, hour = board.busiest
    at = t("{weekday} from {first} to {last}", weekday=weekday_name(weekday), first=f"{hour}:00", last=f"{(hour + 1) % 24}:00")
    if busy is None:
        if slots is not None and slots >= FULL:
            return t("A model is full in its busiest hour, {hour}: {share} of its slots are used.", hour=at, share=share(slots)), rest
        return t("There is room: in the busiest hour, {hour}, {share} of the slots of a model are used.", hour=at, share=share(slots)), rest
    if busy >= FULL:
        return t("A model is full in its busiest hour, {hour}: it computes for {share} of it.", hour=at, share=share(busy)), rest
    return t("There is room: in the busiest hour, {hour}, a model computes for {share} of it.", hour=at, share=share(busy)), rest
