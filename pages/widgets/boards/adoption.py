"""Draw the Adoption board."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.usage.boards.records import Adoption
from pages.shell.frame import dark
from pages.shell.words import listed, t
from pages.widgets.boards.figures import figure, percent_change
from pages.widgets.boards.parts import bar_rows, keys, sentence
from pages.widgets.boards.plots import head, people_per_week, period_words
from pages.widgets.common.formats import MISSING, count, share
from pages.widgets.usage import charts
from pages.widgets.usage.change_marks import Mark, show_marked
from pages.widgets.usage.charts import Line
from pages.widgets.usage.filters import group_name


def adoption(board: Adoption, marks: Sequence[Mark]) -> None:
    """Draw the board."""
    active = int(board.people.now or 0)
    reach = active / board.members if board.members else None
    idle = [each for each in board.groups if each.members and not each.active]
    bold = t("{active} of {members} people with an account got an answer.", active=count(active), members=count(board.members))
    names = listed(group_name(each.name) for each in idle[:3])
    more = len(idle) - 3
    rest = t("Nobody asked in {groups}.", groups=names if more <= 0 else t("{names} and {n} more", names=names, n=more)) if idle else ""
    sentence(bold, rest)
    before = t("vs. {period}", period=period_words(board.query.before.first, board.query.before.last))
    asked = board.answers_a_person
    with st.grid(4, min_column_width=160, gap="small", key="kpis"):
        figure(t("Active people"), count(active), percent_change(board.people.change), before, trend=[each.people for each in board.days])
        figure(t("Share of accounts"), share(reach), None, "", help=t("Active people as a share of the accounts that are active now."))
        figure(t("First time"), count(board.new_people), None, "", help=t("People whose first answer ever lies in this period."))
        figure(t("Answers a person"), MISSING if asked.now is None else f"{asked.now:.1f}", percent_change(asked.change), before)
    with st.grid(2, min_column_width=340, gap="small", key="boardcards"):
        with st.container(border=True, key="card-board-daily", gap="xsmall"):
            rows = [(each.day, each.people) for each in board.days]
            head("people-per-day", t("Active people per day"), t("A gap is a day that was not counted"), ("day", "people"), lambda: rows)
            series = [Line(t("People count"), [each.people for each in board.days], 0)]
            drawn = charts.bars([each.day for each in board.days], series, dark())
            show_marked(drawn, marks, "chart-board-daily", t("Active people per day"))
        with st.container(border=True, key="card-board-weekly", gap="xsmall"):
            weeks = [(each.monday, each.active, each.new) for each in board.weeks]
            sub = t("Per week; new means the first answer ever")
            head("people-per-week", t("New and returning people"), sub, ("week", "active", "new"), lambda: weeks)
            weeks_drawn = [each.monday for each in board.weeks]
            show_marked(people_per_week(board.weeks), marks, "chart-board-weekly", t("New and returning people"), weeks_drawn)
            keys((t("Returning"), t("New")))
    with st.container(border=True, key="card-board-use", gap="xsmall"):
        groups = [(each.name, each.members, each.active, each.answers) for each in board.groups]
        sub = t("Active people of all accounts; the groups that use it least come first")
        head("adoption-by-group", t("By group"), sub, ("group", "accounts", "active", "answers"), lambda: groups)
        bar_rows([(
            group_name(each.name), each.active / each.members if each.members else 0,
            t("{active} of {members}, {n} answers", active=count(each.active), members=count(each.members), n=count(each.answers)),
        ) for each in board.groups])  # fmt: skip
