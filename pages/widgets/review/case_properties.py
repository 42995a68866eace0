"""The properties of a case, at the right: state, priority, reviewer, due date, tags, and facts of the rating."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.review.cases.changes import CaseChange
from core.review.cases.records import CaseState, Priority, ReviewCase
from pages.shell.live_part import callback
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import MISSING, seconds, speed
from pages.widgets.review.case_actions import change, edit_tags
from pages.widgets.review.case_words import priority_word, state_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def draw_properties(portal: Portal, user: User, case: ReviewCase, people: Sequence[str], *, locked: bool) -> None:
    """Draw the properties. people: the sign-in names of those who can work on cases. locked: another reviewer works on it."""
    states = [each for each in CaseState if each is case.state or (case.state.may_become(each) and each is not CaseState.CLOSED)]
    kept = [*people, *([case.assignee_name] if case.assignee_name and case.assignee_name not in people else [])]
    # The version in the keys lets the fields follow a change by another reviewer.
    suffix = f"{case.number}-{case.version}"
    st.selectbox(
        t("State"), states, states.index(case.state), format_func=state_word, key=f"rvstate-{suffix}", disabled=locked,
        on_change=callback(_set), args=(portal, user, case, f"rvstate-{suffix}", "state"),
    )  # fmt: skip
    priorities = list(Priority)
    with st.container(horizontal=True, gap="xsmall", key="rvpair"):
        st.selectbox(
            t("Priority"), priorities, priorities.index(case.priority), format_func=priority_word, key=f"rvpriority-{suffix}",
            disabled=locked, on_change=callback(_set), args=(portal, user, case, f"rvpriority-{suffix}", "priority"),
        )  # fmt: skip
        st.selectbox(
            t("Reviewer"), kept, kept.index(case.assignee_name) if case.assignee_name else None, placeholder=t("Nobody"),
            key=f"rvassignee-{suffix}", disabled=locked, on_change=callback(_set),
            args=(portal, user, case, f"rvassignee-{suffix}", "assignee"),
        )  # fmt: skip
    st.date_input(
        t("Due (UTC)"), case.due_at.date() if case.due_at else None, format="YYYY-MM-DD", key=f"rvdue-{suffix}", disabled=locked,
        on_change=callback(_set_due), args=(portal, user, case, f"rvdue-{suffix}"),
    )  # fmt: skip
    with st.container(key="rvtags", gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.caption(t("Tags"), width="stretch")
            if st.button(t("Edit tags"), type="tertiary", key="rvtags-edit", disabled=locked):
                edit_tags(portal, user, case)
        if case.tags:
            with st.container(horizontal=True, gap="xxsmall"):
                for tag in case.tags:
                    st.badge(plain(tag), color="gray")
    if case.fix:
        with st.container(key="rvfixed", gap="xxsmall"):
            st.caption(t("What fixed it"))
            st.markdown(plain(case.fix))


def draw_facts(case: ReviewCase) -> None:
    """Draw what is known of the rating and of the answer."""
    st.html("<dl class='props'>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _facts(case)) + "</dl>")


def _facts(case: ReviewCase) -> list[tuple[str, str]]:
    rating, row = case.feedback, case.feedback.generation
    return [
        (t("Case"), f"{case.number:,}"),
        *([] if rating.names_hidden else [(t("Person"), rating.user_name)]),
        (t("Group"), rating.group or MISSING),
        (t("Rated"), rating.created_at.strftime("%Y-%m-%d %H:%M UTC")),
        (t("Model"), rating.model or MISSING),
        (t("Version"), (row and row.model_version) or MISSING),
        (t("Length"), t("{n} tokens", n=row.usage.completion_tokens) if row else MISSING),
        (t("Speed"), speed(row.timings.tokens_per_second) if row else MISSING),
        (t("Time to first token"), seconds(row.timings.ttft_s) if row else MISSING),
        (t("Answer time"), seconds(row.timings.duration_s) if row else MISSING),
    ]


def _set(portal: Portal, user: User, case: ReviewCase, key: str, field: str) -> None:
    value = st.session_state[key]
    change(portal, user, case, CaseChange(**{field: "" if value is None else value}))


def _set_due(portal: Portal, user: User, case: ReviewCase, key: str) -> None:
    day = st.session_state[key]
    wanted = CaseChange(due_at=datetime.combine(day, time(23, 59), UTC)) if day else CaseChange(no_due_date=True)
    change(portal, user, case, wanted)
