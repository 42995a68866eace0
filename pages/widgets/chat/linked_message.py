"""The message that the URL names, and its position in the transcript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import streamlit as st

from core.chat.conversations import Shown
from core.chat.records import Author

CONVERSATION, MESSAGE = "c", "m"
"""The query parameters with the ids of conversation and message, so that reload, back and a second window work."""
_ARRIVED = "chat_arrived"


@dataclass(frozen=True, slots=True)
class Arrival:
    """The message at which the transcript opens. question: whether it is a question."""

    answer: str
    """The id of the answer; for a question, the id of the answer to it, since each question is drawn with its answer."""
    question: bool
    once: str
    """An id that makes the browser show each arrival once, even if the page is drawn several times."""


def new(conversation_id: str | None) -> str | None:
    """Return the message's id if the URL names another one than at the last run, else None."""
    place = conversation_id, st.query_params.get(MESSAGE)
    if st.session_state.get(_ARRIVED, ())[:2] == place:
        return None
    st.session_state[_ARRIVED] = (*place, uuid4().hex)
    return place[1]


def again() -> None:
    """Treat the next URL as new, even if it is the same as the last one."""
    st.session_state.pop(_ARRIVED, None)


def place(shown: Sequence[Shown]) -> Arrival | None:
    """Return where the message that the URL names is in the transcript; None if it is not there."""
    _, message_id, once = st.session_state[_ARRIVED]
    for number, each in enumerate(shown):
        if each.message.id != message_id:
            continue
        if each.message.author is Author.ASSISTANT:
            return Arrival(message_id, False, once)
        return Arrival(shown[number + 1].message.id, True, once) if number + 1 < len(shown) else None
    return None
