"""Vote on answers without knowing which file wrote which: A, B, T (alike) and X (both poor) on the keyboard."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.comparing.records import Comparison
from core.errors import PortalError
from core.people.records import User
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.models.comparing.report import VOTE

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_CHOICES = (("a", "A", "A is better"), ("alike", "T", "Alike"), ("poor", "X", "Both poor"), ("b", "B", "B is better"))


def ballot_page(portal: Portal, user: User, comparison: Comparison) -> None:
    """Draw the page of the next vote."""
    st.button(t("Report"), icon=":material/arrow_back:", type="tertiary", key="ballot-back", on_click=_leave)
    ballot = portal.comparisons.ballot(user, comparison.id)
    if ballot is None:
        if frame.blank(t("You have voted on every question"), t("The report shows which file is which."), t("Report"), key="blank-ballot"):
            _leave()
            st.rerun()
        return
    words = t("Question {n} of {of}. Which answer is better? The names come at the end.", n=ballot.voted + 1, of=ballot.of)
    frame.page_head(t("Blind vote"), words, key="ballot")
    st.markdown(f"**{plain(ballot.question)}**")
    with st.container(key="ballot-pair"):
        for column, name, text in zip(st.columns(2, gap="medium"), "AB", (ballot.answer_a, ballot.answer_b), strict=True):
            with column, st.container(border=True, key=f"card-ballot-{name.lower()}", gap="small", height="stretch"):
                st.markdown(f":gray[:small[{t('Answer {name}', name=name)}]]")
                st.html(f"<blockquote class='trial'>{escape(text or '-')}</blockquote>")
    with st.container(horizontal=True, horizontal_alignment="center", gap="xsmall", key="ballot-votes"):
        for choice, key, label in _CHOICES:
            if st.button(t(label), shortcut=key, key=f"ballot-{choice}"):
                try:
                    portal.comparisons.vote(user, comparison.id, ballot.number, choice)
                except PortalError as problem:
                    st.toast(plain(error_text(problem)), icon=":material/error:")
                else:
                    st.rerun()


def _leave() -> None:
    st.query_params.pop(VOTE, None)
