"""Remember which case is open, on which page of the list, and what was just tried."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import PortalError
from pages.shell.words import error_text

OPEN, CURSORS, PROBLEM, NEXT = "feedback-case", "feedback-cursors", "feedback-problem", "feedback-next"
FIRST, LAST = "first", "last"
"""Used instead of a number: the first or last case of the page that is read next."""
Cursors = tuple[str, ...]
"""The cursor of each page before and of this one; empty for the first page."""
CasePosition = tuple[int | str | None, Cursors]
"""A case's number, FIRST or LAST, and its page. None: nothing was picked, so a phone shows the list."""


def go(case: int | str | None, cursors: Cursors) -> None:
    """Open a case of a page of the list."""
    st.session_state[OPEN] = case
    st.session_state[CURSORS] = cursors


def cursors() -> Cursors:
    return tuple(st.session_state.setdefault(CURSORS, ()))


def from_start() -> None:
    """Go to the first page, for a list that changes."""
    go(None, ())


def attempt(action: Callable[[], object]) -> bool:
    """Call `action` and return True; keep its error for the top of the case."""
    try:
        action()
    except PortalError as problem:
        st.session_state[PROBLEM] = error_text(problem)
        return False
    return True
