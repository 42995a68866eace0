"""Who gave a rating: in words while the name is hidden, and the way to reveal it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.review.cases.records import ReviewCase
from core.review.names import MAX_WHY, RevealReason
from core.review.records import Feedback
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.focus import focus

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def rater_word(rating: Feedback) -> str:
    """Return who gave a rating, as Markdown."""
    if not rating.names_hidden:
        return plain(rating.user_name)
    return t("A colleague in {group}", group=plain(rating.group)) if rating.group else t("A colleague")


def reply_label(rating: Feedback) -> str:
    return t("Reply to the rater") if rating.names_hidden else t("Reply to {name}", name=plain(rating.user_name))


def names_line(portal: Portal, user: User, case: ReviewCase) -> None:
    """Say whether names are hidden, and offer to reveal them."""
    if not case.feedback.names_hidden and case.names_until is None:
        return
    with st.container(key="rvnames", horizontal=True, vertical_alignment="center", gap="xsmall"):
        if case.names_until is not None:
            until = case.names_until.strftime("%H:%M")
            st.markdown(f":material/visibility: {t('You see names until {time} UTC.', time=until)}", width="stretch")
        else:
            st.markdown(f":material/visibility_off: {t('Names are hidden')}", width="stretch")
            if st.button(t("Reveal"), type="tertiary", key="rvreveal"):
                _reveal(portal, user, case)


def _reveal(portal: Portal, user: User, case: ReviewCase) -> None:
    words = {
        RevealReason.ASK_BACK: t("To ask the person a question"), RevealReason.CHECK: t("To check the facts"),
        RevealReason.INCIDENT: t("Complaint or incident"), RevealReason.OTHER: t("Other"),
    }  # fmt: skip

    @dialog(t("Reveal names in this case"))
    def ask() -> None:
        st.caption(t("You see them for 30 minutes. The person reads on My feedback that you looked, when and why."))
        key = f"rvwhy-{case.number}"
        reason = st.pills(
            t("Reason"), list(RevealReason), default=RevealReason.CHECK, required=True, format_func=words.__getitem__,
            key=f"rvreason-{case.number}",
        )  # fmt: skip
        why = st.text_input(t("In a few words"), max_chars=MAX_WHY, key=key)
        focus(key)
        if st.button(t("Reveal names"), type="primary", shortcut="Ctrl+Enter", key="rvreveal-go"):
            try:
                portal.review_names.reveal(user, case.number, RevealReason(reason), why)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
                return
            st.rerun()

    ask()
