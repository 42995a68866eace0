"""The answer as it should have been: the difference above, the text below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.review.cases.changes import MAX_CORRECTION, CaseChange
from core.review.cases.records import ReviewCase
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain, show
from pages.widgets.common.focus import focus
from pages.widgets.models.swaps.word_differences import marked
from pages.widgets.review.case_location import attempt

if TYPE_CHECKING:
    from bootstrap.portal import Portal

CORRECTING = "feedback-correcting"
"""The session key of the number of the case whose answer is being corrected."""


def may_correct(case: ReviewCase) -> bool:
    return case.feedback.run_id is None and case.feedback.answer is not None


def begin_correcting(portal: Portal, user: User, case: ReviewCase) -> None:
    if attempt(lambda: portal.case_work.start(user, case.number)):
        st.session_state[CORRECTING] = case.number


def correcting(case: ReviewCase) -> bool:
    return bool(st.session_state.get(CORRECTING) == case.number)


def correction_box(portal: Portal, user: User, case: ReviewCase) -> None:
    """Draw the correction under the answer, or the field to write it."""
    if not correcting(case):
        if case.correction:
            with st.container(key="rvcorrected", gap="xsmall"):
                st.markdown(f":gray[**{t('Corrected by a reviewer, for datasets')}**]")
                show(case.correction)
        return
    answer, key = case.feedback.answer or "", f"rvcorrect-{case.number}"
    with st.container(key="rvcorrectbox", gap="xsmall"):
        text = str(st.session_state.get(key, case.correction or answer))
        if text.strip() != answer.strip():
            st.html(f"<blockquote class='trial'>{marked(answer, text)[1]}</blockquote>")
        label = t("The answer as it should have been")
        text = st.text_area(label, case.correction or answer, max_chars=MAX_CORRECTION, height=240, key=key)
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            saved = st.button(t("Save correction"), type="primary", shortcut="Ctrl+Enter", key="rvcorrect-go")
            removed = bool(case.correction) and st.button(t("Remove"), type="tertiary", key="rvcorrect-remove")
            st.button(t("Cancel"), type="tertiary", key="rvcorrect-no", on_click=_end)
            st.caption(t("Datasets take it in place of the answer. The rater does not read it."))
        focus(key)
        if saved or removed:
            # An answer that was left as it is needs no correction.
            wanted = "" if removed or text.strip() == answer.strip() else text
            try:
                portal.case_work.change(user, case.number, case.version, CaseChange(correction=wanted))
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
            else:
                _end()
                st.rerun()


def _end() -> None:
    st.session_state.pop(CORRECTING, None)
