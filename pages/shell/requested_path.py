"""The path that a browser asked for, and the page shown where it names none. Streamlit would open a dialog of its own, in English only."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from pages.shell import frame
from pages.shell.words import t

_REQUESTED = "requested_path"


def requested_path() -> str:
    """Return the path with which this tab was opened; "" for the start page, and for a name that no page can have."""
    context = get_script_run_ctx()
    # The browser sends the name once. At reruns it sends the hash of the page that it shows.
    if context and (name := context.pages_manager.intended_page_name):
        st.session_state[_REQUESTED] = name if name.strip() == name and "/" not in name else ""
    path: str = st.session_state.get(_REQUESTED, "")
    return path


def nothing_here() -> None:
    """Say that the address names no page."""
    why = t("This address names no page of the portal. Check the address, or go on from the chat.")
    if frame.blank(t("There is nothing here"), why, t("Back to chat"), key="blank-page"):
        frame.open_page(frame.START)
