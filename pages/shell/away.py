"""Notes while the admin server cannot be reached: the page keeps what it shows and continues automatically."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import streamlit as st

from core.errors import ServerUnreachable
from pages.shell import frame
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.common.requests import pending, questions

SHOWN = 60
"""Maximum number of characters shown of a waiting question."""
_DRAWN, _KEPT = "page_drawn", "page_kept"


@contextmanager
def waiting() -> Iterator[Callable[[], object]]:
    """Show a note over the current page. Yield a function that lets Streamlit stop this run while it waits."""
    st.html("<style>[data-stale='true'] { opacity: 1 !important }</style>")  # Streamlit fades elements that a run has not redrawn yet.
    note = st.toast(
        t("No connection to the main server. What is on the screen stays; this page continues automatically."),
        icon=":material/cloud_off:",
        duration="infinite",
    )
    asked = [
        st.toast(t("Sent as soon as it is back: {question}", question=plain(each)), icon=":material/schedule:", duration="infinite")
        for each in map(shortened, questions())
    ]
    yield pending
    note.toast(t("The portal is reachable again."), icon=":material/check:", duration="short")
    for each in asked:
        each.toast(t("Your question is being sent."), icon=":material/check:", duration="short")


def shortened(question: str) -> str:
    """Return the beginning of a question on one line; a toast shows up to three lines."""
    words = " ".join(question.split())
    return words if len(words) <= SHOWN else words[:SHOWN].rstrip() + "…"


def tab_storage() -> dict[str, Any]:
    """Return the dictionary in which the portal of a user server keeps data about this tab."""
    found: dict[str, Any] = st.session_state.setdefault(_KEPT, {})
    return found


def record_drawn() -> None:
    """Remember that this tab shows a page."""
    st.session_state[_DRAWN] = True


def has_drawn() -> bool:
    return bool(st.session_state.get(_DRAWN))


def wait_page(away: ServerUnreachable) -> NoReturn:
    """Draw the page of a tab that shows nothing yet, and rerun when the server is back."""
    frame.blank(t("The portal's main server cannot be reached"), t("This page opens automatically as soon as it is back. Nothing is lost."))
    while not away.wait(0.5):
        pending()
    st.rerun()
