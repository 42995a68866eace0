"""What a page says while the admin server is away: what is on the screen stays, and the page goes on by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import streamlit as st

from core.errors import Away
from pages.shell import frame
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.common.requests import pending, questions

SHOWN = 60
"""Characters of a question that waits."""
_DRAWN, _KEPT = "page_drawn", "page_kept"


@contextmanager
def waiting() -> Iterator[Callable[[], object]]:
    """Say so beside what is on the screen. Yields a function that lets Streamlit stop this run, which waits in the middle of a page."""
    st.html("<style>[data-stale='true'] { opacity: 1 !important }</style>")  # Streamlit fades what a run has not drawn again.
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
    """Return the beginning of a question, on one line: a toast shows three."""
    words = " ".join(question.split())
    return words if len(words) <= SHOWN else words[:SHOWN].rstrip() + "…"


def kept() -> dict[str, Any]:
    """Return where the portal of a user server keeps what it knows about this tab."""
    found: dict[str, Any] = st.session_state.setdefault(_KEPT, {})
    return found


def note_drawn() -> None:
    """Remember that this tab shows a page."""
    st.session_state[_DRAWN] = True


def has_drawn() -> bool:
    return bool(st.session_state.get(_DRAWN))


def wait_page(away: Away) -> NoReturn:
    """Draw the page of a tab that shows nothing yet, and go on when the server is back."""
    frame.blank(t("The portal's main server cannot be reached"), t("This page opens automatically as soon as it is back. Nothing is lost."))
    while not away.wait(0.5):
        pending()
    st.rerun()
