"""Draw the Overview board."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import plotly.graph_objects as go
import streamlit as st

from core.usage.boards.records import Overview, Part
from core.usage.figures import Share, difference_interval
from pages.shell.frame import dark
from pages.shell.words import t
from pages.widgets.boards.changes import what_changed
from pages.widgets.boards.choice import show_month_of
from pages.widgets.boards.figures import amount, by_day, change_of, figure, only, percent_change, points
from pages.widgets.boards.parts import bar_rows, keys, sentence
from pages.widgets.boards.plots import head, people_per_week, period_words, rated_mondays, weeks_with_intervals
from pages.widgets.common.formats import count, share
from pages.widgets.usage import charts
from pages.widgets.usage.change_marks import Mark, add_marks, names_of, show_marked
from pages.widgets.usage.charts import Line
from pages.widgets.usage.filters import group_name

DAY = "day"
"""The parameter of the URL that names the chosen bar."""


def overview(board: Overview, marks: Sequence[Mark]) -> None:
    """Draw the board. The chosen day is in the URL."""
    if not board.now.answers:
        _nothing(board)
        return
    sentence(*_words(board))
    _figures(board)
    left, right = st.columns([1.9, 1], gap="small")
    with left, st.container(border=True, key="card-board-questions", gap="xsmall", height="stretch"):
        rows = [(each.day, each.sums.answers if each.sums else None, each.people) for each in board.days]
        sub = t("All sources; weekends are lighter. Choose a bar to see its answers")
        head("answers-per-day", t("Answers per day"), sub, ("day", "answers", "people"), lambda: rows)
        _questions(board, marks)
    with right, st.container(border=True, key="card-board-changes", gap="xsmall", height="stretch"):
        what_changed(board)
    with st.grid(3, min_column_width=300, gap="small", key="boardcards"):
        with st.container(border=True, key="card-board-rated", gap="xsmall"):
            weeks = [(each.monday, each.rated.of, each.rated.good, *(each.rated.interval() or (None, None))) for each in board.rated_weeks]
            columns = ("week", "rated", "good", "low", "high")
            head("rated-good", t("Rated good"), t("Share per week with its 95 % interval; ratings below"), columns, lambda: weeks)
            if board.now.rated:
                drawn = weeks_with_intervals(board.rated_weeks)
                show_marked(drawn, marks, "chart-board-rated", t("Rated good"), rated_mondays(board.rated_weeks))
            else:
                st.caption(t("No answers were rated in this period."))
        with st.container(border=True, key="card-board-people", gap="xsmall"):
            people = [(each.monday, each.active, each.new) for each in board.weeks]
            sub = t("Per week; new means the first answer ever")
            head("active-people", t("Active people"), sub, ("week", "active", "new"), lambda: people)
            weeks_drawn = [each.monday for each in board.weeks]
            show_marked(people_per_week(board.weeks), marks, "chart-board-people", t("Active people"), weeks_drawn)
            keys((t("Returning"), t("New")))
        with st.container(border=True, key="card-board-groups", gap="xsmall"):
            groups = [(each.name, each.now.answers, each.before.answers) for each in board.groups]
            head("groups", t("By group"), t("Answers, and the change"), ("group", "answers", "before"), lambda: groups)
            bar_rows([_group_row(each) for each in board.groups if each.now.answers or each.before.answers])


def _nothing(board: Overview) -> None:
    with st.container(border=True, key="card-nothing", gap="small"):
        st.markdown(f"### {t('No answers in this period')}", anchors=False)
        if board.latest is None:
            st.caption(t("Choose another model or another group."))
            return
        st.caption(t("The latest answer of this choice is from {day}.", day=board.latest.isoformat()))
        st.button(t("Show its month"), key="board-month", on_click=show_month_of, args=(board.latest,))


def _words(board: Overview) -> tuple[str, str]:
    """Return the sentence: what changed most, then what else is worth knowing."""
    now, before = (Share(each.rated_good, each.rated) for each in (board.now, board.before))
    interval, asked = difference_interval(now, before), change_of(board.now.answers, board.before.answers)
    if interval is not None and now.value is not None and before.value is not None and (interval[0] > 0 or interval[1] < 0):
        template = (
            "Satisfaction rose to {share}, by {points} points." if interval[0] > 0 else "Satisfaction fell to {share}, by {points} points."
        )
        bold = t(template, share=share(now.value), points=f"{abs(now.value - before.value) * 100:.1f}")
    elif asked is None:
        bold = t("{n} answers in this period.", n=board.now.answers)
    elif abs(asked) < 0.005:
        bold = t("{n} answers, as many as in the period before.", n=count(board.now.answers))
    else:
        template = "{n} answers, {percent} % more than in the period before." if asked > 0 else (
            "{n} answers, {percent} % fewer than in the period before."
        )  # fmt: skip
        bold = t(template, n=count(board.now.answers), percent=f"{abs(asked) * 100:,.0f}")
    rest = [t("{n} people asked for the first time.", n=board.new_people)] if board.new_people else []
    moved = _most_moved(board.groups)
    if moved is not None and len(board.groups) > 1:
        template = "Of all groups, {group} changed most: {n} answers more." if moved.now.answers > moved.before.answers else (
            "Of all groups, {group} changed most: {n} answers fewer."
        )  # fmt: skip
        rest.append(t(template, group=group_name(moved.name), n=count(abs(moved.now.answers - moved.before.answers))))
    return bold, " ".join(rest)


def _most_moved(groups: Sequence[Part]) -> Part | None:
    moved = max(groups, key=lambda each: abs(each.now.answers - each.before.answers), default=None)
    return (
        moved if moved is not None and moved.now.answers != moved.before.answers and any(each.before.answers for each in groups) else None
    )


def _figures(board: Overview) -> None:
    before = t("vs. {period}", period=period_words(board.query.before.first, board.query.before.last))
    now, past = (Share(each.rated_good, each.rated) for each in (board.now, board.before))
    cost, cost_before = only(board.cost), only(board.cost_before)
    same = cost is not None and list(board.cost) == list(board.cost_before)
    difference = None if now.value is None or past.value is None else now.value - past.value
    moved = points(difference)
    with st.grid(4, min_column_width=160, gap="small", key="kpis"):
        figure(
            t("Active people"), count(int(board.people.now or 0)), percent_change(board.people.change), before,
            trend=[each.people for each in board.days],
        )  # fmt: skip
        figure(
            t("Answers"), count(board.now.answers), percent_change(change_of(board.now.answers, board.before.answers)), before,
            trend=by_day(board.days, "answers"),
        )  # fmt: skip
        figure(
            t("Rated good"), share(now.value), t("{points} pts", points=moved) if moved else None, t("{n} ratings", n=now.of),
            good="up", trend=[each.rated.value for each in board.rated_weeks],
        )  # fmt: skip
        figure(
            t("Cost"), amount(board.cost), percent_change(change_of(cost, cost_before)) if same else None, before,
            trend=by_day(board.days, "cost") if cost is not None else (),
        )  # fmt: skip


def _questions(board: Overview, marks: Sequence[Mark]) -> None:
    drawn = charts.bars([each.day for each in board.days], [Line(t("Answers"), by_day(board.days, "answers"), 0)], dark())
    add_marks(drawn, marks, dark())
    chosen = _chosen(board)
    if chosen is not None:
        _pale(drawn, [each.day for each in board.days].index(chosen))
    event = st.plotly_chart(
        drawn, theme=None, config=charts.CONFIG, key="chart-board-questions", on_select="rerun", selection_mode="points",
        alt=t("Answers per day"),
    )  # fmt: skip
    if names := names_of(marks):
        st.html(names)
    picked = [str(point.get("x"))[:10] for point in event["selection"]["points"]]
    if picked and picked[0] != st.session_state.get("board-picked"):
        st.session_state["board-picked"] = picked[0]
        st.query_params[DAY] = picked[0]
        st.rerun()


def _chosen(board: Overview) -> date | None:
    return next((each.day for each in board.days if each.day.isoformat() == st.query_params.get(DAY)), None)


def _pale(drawn: go.Figure, index: int) -> None:
    bars = drawn.data[0]
    bars.marker.opacity = [1 if n == index else 0.35 for n in range(len(bars.x))]


def _group_row(part: Part) -> tuple[str, float, str]:
    change = percent_change(change_of(part.now.answers, part.before.answers))
    return group_name(part.name), part.now.answers, f"{count(part.now.answers)} {change or ''}".rstrip()
