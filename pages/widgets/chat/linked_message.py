"""The message that the URL names, or that a search in the chat leads to, and its position in the transcript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import streamlit as st

from core.chat.conversations import Shown
from core.chat.records import Author

CONVERSATION, MESSAGE = "c", "m"
"""The query parameters with the ids of conversation and message, so that reload, back and a second window work."""
_ARRIVED, _LED = "chat_arrived", "chat_led_to"


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """The message at which the transcript opens. question: whether it is a question."""

    answer: str
    """The id of the answer; for a question, the id of the answer to it, since each question is drawn with its answer."""
    question: bool
    once: str
    """An id that makes the browser show each arrival once, even if the page is drawn several times."""


def lead_to(conversation_id: str, message_id: str) -> None:
    """Lead to this message as if the URL named it. The URL stays, so that the browser's Back does not walk through the hits."""
    again()
    st.session_state[_LED] = (conversation_id, message_id)


def named(conversation_id: str | None) -> str | None:
    """Return the id of the message to arrive at in this chat; None if there is none."""
    chat, message_id = st.session_state.get(_LED, (None, None))
    return message_id if message_id and chat == conversation_id else st.query_params.get(MESSAGE)


def new(conversation_id: str | None) -> str | None:
    """Return the message's id if another one is named than at the last run, else None."""
    find_target = conversation_id, named(conversation_id)
    if st.session_state.get(_ARRIVED, ())[:2] == find_target:
        return None
    st.session_state[_ARRIVED] = (*find_target, uuid4().hex)
    return find_target[1]


def again() -> None:
    """Treat the next URL as new, even if it is the same as the last one."""
    st.session_state.pop(_ARRIVED, None)
    st.session_state.pop(_LED, None)


def find_target(shown: Sequence[Shown]) -> LinkTarget | None:
    """Return where the message that is named is in the transcript; None if it is not there."""
    _, message_id, once = st.session_state[_ARRIVED]
    for number, each in enumerate(shown):
        if each.message.id != message_id:
            continue
        if each.message.author is Author.ASSISTANT:
            return LinkTarget(message_id, False, once)
        return LinkTarget(shown[number + 1].message.id, True, once) if number + 1 < len(shown) else None
    return None
