"""Review progress: complaints opened and closed over time, how fast, by whom, and how far reviewers agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.review.progress.parts import agreement, by_day, fixes, people_and_tags
from pages.widgets.review.progress.summary import figures, sentence

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "review_progress"
DAYS = (7, 30, 90, 365)


def render(portal: Portal, user: User) -> None:
    with st.container(key="narrow", width=900, gap="medium"):
        if st.button(t("All cases"), icon=":material/arrow_back:", type="tertiary", key="rpback"):
            frame.open_page("cases")
        with frame.page_head(t("Review progress"), key="rphead"):
            days = st.segmented_control(
                t("Range"),
                DAYS,
                default=30,
                format_func=lambda n: t("{n} days", n=n),
                key="rpdays",
                label_visibility="collapsed",
                required=True,
            )
        try:
            report = portal.review_progress.report(user, days or 30)
        except PortalError as problem:
            st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
            return
        if not (report.opened or report.closed or report.open or report.reviewers or report.agreement):
            frame.blank(t("No complaints in this time"), t("People can rate each answer. Poor ratings and comments are counted here."))
            return
        st.markdown(sentence(report))
        figures(report)
        by_day(report)
        fixes(report.fixes)
        agreement(report.agreement)
        people_and_tags(report)
