"""Accept an answer for the replay gate, and confirm it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import PortalError
from core.models.swaps.records import ReplayQuestion
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain


def accept_answer(keep: Callable[[], ReplayQuestion]) -> None:
    """Call `keep`, and show its result or its error."""
    try:
        kept = keep()
    except PortalError as problem:
        st.toast(plain(error_text(problem)), icon=":material/error:")
    else:
        words = t("Accepted. A swap of {model} can compare the new version's answer with this one.", model=plain(kept.model))
        st.toast(words, icon=":material/fact_check:")
