"""The outcome that like cases propose, dashed until a reviewer takes it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.review.cases.changes import CaseChange
from core.review.cases.proposals import Proposal
from core.review.cases.records import CaseState, ReviewCase
from pages.shell.live_part import callback
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.review.case_location import attempt
from pages.widgets.review.case_words import state_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_DISMISSED = "feedback-dismissed"


def proposal_box(portal: Portal, user: User, case: ReviewCase, proposed: Proposal | None, *, locked: bool) -> None:
    """Draw the proposal, unless the reviewer has dismissed it."""
    if proposed is None or case.number in st.session_state.get(_DISMISSED, ()):
        return
    with st.container(key="rvproposed", gap="xxsmall"):
        outcome = state_word(proposed.state) + (f", {plain(proposed.fix)}" if proposed.fix else "")
        st.markdown(t("**Proposed: {outcome}**, as case {number} with the same question", outcome=outcome, number=proposed.number))
        rate = t("Right in {hits} of {total} cases whose question had an outcome before", hits=proposed.hits, total=proposed.total)
        st.caption(rate if proposed.total else t("No case has had such a proposal before"))
        with st.container(horizontal=True, gap="xsmall"):
            st.button(
                t("Accept"), shortcut="Y", key="rvproposed-yes", disabled=locked, on_click=callback(_accept),
                args=(portal, user, case, proposed),
            )  # fmt: skip
            st.button(t("Dismiss"), type="tertiary", key="rvproposed-no", on_click=_dismiss, args=(case,))


def _accept(portal: Portal, user: User, case: ReviewCase, proposed: Proposal) -> None:
    fixed = proposed.state is CaseState.FIXED
    wanted = CaseChange(state=proposed.state)
    if fixed:
        wanted = replace(wanted, fix=proposed.fix, fix_model=proposed.fix_model, fix_prompt=proposed.fix_prompt)
    attempt(lambda: portal.case_work.change(user, case.number, case.version, wanted))


def _dismiss(case: ReviewCase) -> None:
    st.session_state[_DISMISSED] = {*st.session_state.get(_DISMISSED, ()), case.number}
