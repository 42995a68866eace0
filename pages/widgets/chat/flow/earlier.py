"""Draw the last messages of a long chat, and earlier ones on demand, so that it opens as fast as a short chat."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.chat.conversations import Shown
from core.chat.records import Author
from pages.shell.words import t
from pages.widgets.common.script import component

_load = component("loadEarlier", file="earlier.js", html="<i></i>")

LATEST, MORE = 24, 60
"""Number of messages drawn at first, and number of messages that a click adds."""
_DRAWN = "chat_drawn"


def latest(shown: Sequence[Shown], conversation_id: str, linked: str | None) -> Sequence[Shown]:
    """Return the last messages, starting with a question, and draw a button for the earlier ones.

    Scrolling to the top presses the button too; the browser then keeps what is read in its place.

    linked: the id of a message that the URL names; it is always among the returned messages.
    """
    chat, drawn = st.session_state.get(_DRAWN, (conversation_id, LATEST))
    if chat != conversation_id:
        drawn = LATEST
    first = len(shown) - drawn
    first = min([first, *(index for index, each in enumerate(shown) if each.message.id == linked)])
    while first > 0 and shown[first].message.author is not Author.USER:
        first -= 1
    # Also where nothing is in it: the transcript after it is then not drawn anew, and nobody sees it empty meanwhile.
    with st.container(key="earlier", horizontal_alignment="center"):
        if first <= 0:
            return shown
        more = (conversation_id, len(shown) - first + MORE)
        st.button(t("Show earlier messages ({n})", n=first), icon=":material/expand_less:", type="tertiary", key="earlier-more",
                  on_click=lambda: st.session_state.update({_DRAWN: more}))  # fmt: skip
        with st.container(key="zero-earlier"):
            _load(key="load-earlier", data=[0], height=1)
    return shown[first:]
