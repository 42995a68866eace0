"""Show in a small line that the model reads a summary instead of the first turns, and let the user change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.chat.context.records import MAX_SUMMARY_LENGTH
from core.chat.records import Message
from core.errors import PortalError
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.context.applied import lines

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_EDITING = "summary_editing"


def summary_line(portal: Portal, user: User, last: Message) -> None:
    """Draw the line if the last answer used a summary."""
    if last.context is None or not last.context.summary_id:
        return
    try:
        summary = portal.context.summary(user, last.conversation_id)
    except PortalError:
        return
    if summary is None:
        return
    words = t("Turns 1 to {n} are summarized for the model", n=summary.turns)
    with st.container(key="summaryline"), st.expander(words, type="compact"):
        if st.session_state.get(_EDITING) != summary.id:
            st.markdown(lines(summary.text))
            state = f"{summary.edited_at:%Y-%m-%d %H:%M} UTC" if summary.edited_at else ""
            if state:
                st.caption(t("Edited {when}", when=state))
            st.button(t("Edit summary"), key="summary-edit", on_click=_edit, args=(summary.id,))
            return
        text = st.text_area(
            t("Summary"), summary.text, max_chars=MAX_SUMMARY_LENGTH, height=220, label_visibility="collapsed", key=f"summary-{summary.id}"
        )
        with st.container(horizontal=True):
            saved = st.button(t("Save summary"), key="summary-save", type="primary")
            st.button(t("Cancel"), key="summary-cancel", on_click=_edit, args=(None,))
        if saved:
            try:
                portal.context.edit_summary(user, last.conversation_id, summary.id, text or "")
            except PortalError as problem:
                st.error(plain(error_text(problem)), icon=":material/error:")
                return
            _edit(None)
            st.rerun()


def _edit(summary_id: str | None) -> None:
    st.session_state[_EDITING] = summary_id
