"""Parts of a page that run without the page: fragments, dialogs and callbacks.

Such a run does not pass through Home.py. It therefore looks the session up again, gets an id for its log lines, and shows its own errors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from core.errors import PortalError
from core.operations.log_context import log_context, logged_fields, new_request_id
from core.people.records import User
from core.people.sessions import SESSION_COOKIE
from pages.shell.failed_page import shown_with_code
from pages.shell.words import error_text, one_language
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

Draw = Callable[..., None]
CHECK_S = 1.0
_viewer: ContextVar[tuple[Portal, User] | None] = ContextVar("viewer", default=None)
"""For whom the page is drawn."""


@contextmanager
def drawn_for(portal: Portal, user: User) -> Iterator[None]:
    """Draw everything in this block for this person."""
    token = _viewer.set((portal, user))
    try:
        yield
    finally:
        _viewer.reset(token)


def part(draw: Draw, *, every: float | None = None) -> Draw:
    """Return a fragment. every: seconds between two runs without a click; None: never."""
    return st.fragment(_guarded(draw), run_every=every)


def dialog(
    title: str, *, width: Literal["small", "medium", "large"] = "small", on_dismiss: Literal["ignore"] | Callable[[], None] = "ignore"
) -> Callable[[Draw], Draw]:
    """Make a function a dialog."""
    return lambda draw: st.dialog(title, width=width, on_dismiss=on_dismiss)(_guarded(draw))


def callback(act: Draw) -> Draw:
    """Return a callback that acts for a person. It does nothing if their rights have changed; the run that follows shows the new ones."""
    viewer = _viewer.get()

    @wraps(act)
    def checked(*args: Any, **kwargs: Any) -> None:
        if _unchanged(viewer):
            act(*args, **kwargs)

    return checked


def rights_watch() -> Callable[[], None]:
    """Return a function for a part that draws for a long time: at most once per CHECK_S it looks whether the page must run instead."""
    viewer, checked = _viewer.get(), time.monotonic()

    def look() -> None:
        nonlocal checked
        if time.monotonic() - checked < CHECK_S:
            return
        checked = time.monotonic()
        if not _unchanged(viewer):
            st.rerun()

    return look


def _guarded(draw: Draw) -> Draw:
    """Run the whole page instead if the session has ended or the person's rights have changed since the page was drawn."""
    viewer = _viewer.get()
    within_page = True
    """The first run belongs to the run of the page, which has just looked the session up."""

    @wraps(draw)
    def guarded(*args: Any, **kwargs: Any) -> None:
        nonlocal within_page
        first, within_page = within_page, False
        code = logged_fields().get("request_id") or new_request_id()
        who = {} if viewer is None else {"user_id": viewer[1].id}
        with log_context(request_id=code, **who), shown_with_code(code, part=True), one_language():
            if not first and not _unchanged(viewer):
                st.rerun()
            token = _viewer.set(viewer)
            try:
                draw(*args, **kwargs)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
            finally:
                _viewer.reset(token)

    return guarded


def _unchanged(viewer: tuple[Portal, User] | None) -> bool:
    """Tell whether the session still lives and its person may do the same.

    If the database cannot be asked, the answer is yes: the page stays, and an action fails by itself.
    """
    if viewer is None:
        return True
    portal, user = viewer
    try:
        now = portal.sessions.user(st.context.cookies.get(SESSION_COOKIE))
    except PortalError:
        return True
    return now is not None and replace(now, last_seen_at=user.last_seen_at) == user
