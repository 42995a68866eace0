"""Tell a person that drawing failed, with a code under which an admin finds the reason in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.errors import FragmentHandledException

from core.operations.log_context import log_context, new_request_id
from pages.shell import frame
from pages.shell.words import t

log = logging.getLogger(__name__)
_SHOWN = "The person sees the code "


@contextmanager
def shown_with_code(code: str, *, part: bool = False) -> Iterator[None]:
    """Log an unexpected error and show its code. code: the request id of the log lines of this run. part: not the whole page failed."""
    try:
        yield
    except FragmentHandledException:
        raise  # A part of the page has shown its error already.
    except Exception as problem:
        _show(problem, code, part=part)
        raise  # Tests of pages see it; the portal draws no more for it, see below.


def script_failed(problem: Exception) -> bool:
    """Show an error that nothing above has shown, such as one of a callback. Return True: Streamlit's own box is not wanted.

    Streamlit calls this for every error that reaches it.
    """
    if not any(note.startswith(_SHOWN) for note in getattr(problem, "__notes__", ())):
        code = new_request_id()
        with log_context(request_id=code):
            _show(problem, code, part=False)
    return True


def _show(problem: Exception, code: str, *, part: bool) -> None:
    log.error("a page could not be drawn", exc_info=problem)
    problem.add_note(f"{_SHOWN}{code}.")
    title = t("Something went wrong")
    text = t("Reload this page. If this happens again, give an admin the code {code}: the log has the reason under it.", code=code)
    if part:
        st.markdown(f":red[:material/error: {title}.] {text}")
    else:
        frame.blank(title, text, key="blank-failed")
