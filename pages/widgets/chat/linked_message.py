"""The message that an address leads to, and where it stands in the transcript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import streamlit as st

from core.chat.conversations import Shown
from core.chat.records import Author

CONVERSATION, MESSAGE = "c", "m"
"""The query parameters with the ids: reload, back and a second window find the place there."""
_ARRIVED = "chat_arrived"


@dataclass(frozen=True, slots=True)
class Arrival:
    answer: str
    """The id of the message, or of the answer to it: each question is drawn with its answer."""
    question: bool
    once: str
    """One arrival is shown once, however often the page is drawn."""


def new(conversation_id: str | None) -> str | None:
    """The message's id, when the address names one it did not name at the last run."""
    place = conversation_id, st.query_params.get(MESSAGE)
    if st.session_state.get(_ARRIVED, ())[:2] == place:
        return None
    st.session_state[_ARRIVED] = (*place, uuid4().hex)
    return place[1]


def again() -> None:
    """The next address is new, even if it is the last one."""
    st.session_state.pop(_ARRIVED, None)


def place(shown: Sequence[Shown]) -> Arrival | None:
    """Where the message stands that the address leads to."""
    _, message_id, once = st.session_state[_ARRIVED]
    for number, each in enumerate(shown):
        if each.message.id != message_id:
            continue
        if each.message.author is Author.ASSISTANT:
            return Arrival(message_id, False, once)
        return Arrival(shown[number + 1].message.id, True, once) if number + 1 < len(shown) else None
    return None
