"""What a page says while the admin server is away: what is on the screen stays, and the page goes on by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import streamlit as st

from core.errors import Away
from pages.shell import frame
from pages.shell.words import t
from pages.widgets.common.requests import pending

_DRAWN = "page_drawn"


@contextmanager
def waiting() -> Iterator[Callable[[], object]]:
    """Say so beside what is on the screen. Yields a function that lets Streamlit stop this run, which waits in the middle of a page."""
    st.html("<style>[data-stale='true'] { opacity: 1 !important }</style>")  # Streamlit fades what a run has not drawn again.
    note = st.toast(
        t("The portal's main server cannot be reached. This page continues automatically."),
        icon=":material/cloud_off:",
        duration="infinite",
    )
    yield pending
    note.toast(t("The portal is reachable again."), icon=":material/check:", duration="short")


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
