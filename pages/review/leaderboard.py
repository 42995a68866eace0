"""Leaderboard (reviewers): models and presets, ranked by all votes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from core.arena.records import VoteFilter, VoteTask
from core.people.permissions import Permission, allows, require
from core.people.records import User
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.arena.board import board, matrix
from pages.widgets.arena.words import task_word
from pages.widgets.boards.parts import sentence
from pages.widgets.usage.days import between, zone
from pages.widgets.usage.filters import group_name

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "leaderboard"


def render(portal: Portal, user: User) -> None:
    require(user, Permission.REVIEW_FEEDBACK)
    head = frame.page_head(t("Leaderboard"), t("Votes of the Arena, of side-by-side chats and of Compare"), key="leaderboard")
    wanted = _filter(portal, user)
    found = portal.leaderboard.read(user, wanted)
    if not found.rows:
        _without_votes(user, chosen=wanted != VoteFilter())
        return
    if allows(user, Permission.EXPORT):
        with head:
            st.download_button(
                t("Export CSV"), lambda: portal.leaderboard.csv(user, wanted), f"leaderboard_{datetime.now(UTC):%Y-%m-%d}.csv",
                "text/csv", key="leaderboard-csv", icon=":material/download:", type="tertiary", on_click="ignore",
            )  # fmt: skip
    bold, *rest = (error_text(each) for each in found.verdict)
    counted = t("{votes} votes by {people} people.", votes=f"{found.votes:,}", people=f"{found.people:,}")
    sentence(bold, " ".join([counted, *rest]))
    presets = frozenset(model.name for model in portal.gateway.chat_models(user) if model.preset_of)
    wide, narrow = st.columns([2, 1], gap="small")
    with wide:
        board(found, presets)
    with narrow:
        matrix(found)
    st.caption(t("Nobody's votes weigh more than a fifth of all. Below 10 votes there is no rank."))


def _without_votes(user: User, *, chosen: bool) -> None:
    """Say why the leaderboard is empty. chosen: whether dates, a group or a task narrow it."""
    if chosen:
        frame.blank(t("No vote matches"), t("Choose other dates, another group or another task."), key="blank-leaderboard")
        return
    action = t("Open the Arena") if allows(user, Permission.RATE) else None
    text = t("People vote in the Arena, and on answers side by side in a chat.")
    if frame.blank(t("No votes yet"), text, action, key="blank-leaderboard"):
        frame.open_page("arena")


def _filter(portal: Portal, user: User) -> VoteFilter:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="leaderboard-filter"):
        dates = st.date_input(
            t("Dates"), (), label_visibility="collapsed", key="leaderboard-dates", width=245, format="YYYY-MM-DD",
            max_value=datetime.now(zone()).date(),
        )  # fmt: skip
        group = st.selectbox(
            t("Group"), portal.leaderboard.groups(user), index=None, format_func=group_name, label_visibility="collapsed",
            placeholder=t("All groups"), key="leaderboard-group", width=180,
        )  # fmt: skip
        task = st.selectbox(
            t("Task"), list(VoteTask), index=None, format_func=task_word, label_visibility="collapsed", placeholder=t("All tasks"),
            key="leaderboard-task", width=200,
        )  # fmt: skip
    since, until = between(dates if isinstance(dates, tuple) else (dates,), zone())
    return VoteFilter(since=since, until=until, group=group, task=task)
