"""Carry out an action, and show its result in the page that is drawn next."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import PortalError
from pages.shell.words import error_text
from pages.widgets.chat.message import plain


def carry_out(action: Callable[[], str], key: str) -> None:
    """Run the action, keep its message in the session, and redraw; show a refusal next to the control."""
    try:
        st.session_state[key] = action()
    except PortalError as problem:
        st.error(plain(error_text(problem)), icon=":material/error:")
        return
    st.rerun()


def show_outcome(key: str) -> None:
    """Show the message of the action that was carried out last, once."""
    if message := st.session_state.pop(key, None):
        st.success(message, icon=":material/check_circle:")
