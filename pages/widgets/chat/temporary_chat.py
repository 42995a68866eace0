"""The temporary chat on the page. It has no URL: leaving it in any way ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.chat.conversations import Shown
from core.errors import NotFound
from core.people.records import User
from pages.shell.words import t
from pages.widgets.common.requests import queue_action

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_ON, _CHAT, _SWITCH = "chat_temporary", "chat_temporary_id", "temporary"


def is_on() -> bool:
    """Tell whether the next question goes into a temporary chat."""
    return bool(st.session_state.get(_ON))


def opened() -> str | None:
    """Return the id of the temporary chat; None before its first question."""
    found: str | None = st.session_state.get(_CHAT)
    return found


def began(chat_id: str) -> None:
    """Remember the id of the temporary chat after its first question."""
    st.session_state[_CHAT] = chat_id


def leave(portal: Portal, user: User) -> None:
    """Forget the temporary chat, if there is one."""
    chat_id = st.session_state.pop(_CHAT, None)
    st.session_state.pop(_ON, None)
    st.session_state.pop(_SWITCH, None)
    if chat_id:
        portal.temporary.leave(user, chat_id)


def messages(portal: Portal, user: User) -> list[Shown]:
    """Return the messages; none before the first question. Leave a temporary chat that no longer exists."""
    chat_id = opened()
    if chat_id is None:
        return []
    try:
        return list(portal.temporary.transcript(user, chat_id))
    except NotFound:
        leave(portal, user)
        return []


def switch(portal: Portal, user: User) -> None:
    """Draw the switch for a temporary chat in an empty chat, and explain it."""
    if portal.temporary.offered(user):
        st.session_state[_ON] = st.toggle(t("Temporary chat"), value=is_on(), key=_SWITCH, help=_meaning())
        if is_on():
            st.caption(f":material/visibility_off: {_meaning()}")


def head(*, running: bool) -> None:
    """Draw the head of a temporary chat. running: whether an answer is being written, before which there is nothing to keep."""
    with st.container(key="temporaryhead", horizontal=True, vertical_alignment="center"):
        st.caption(f":material/visibility_off: **{t('Temporary chat')}** · {_meaning()}", width="stretch")
        st.button(
            t("Keep this chat"), type="tertiary", icon=":material/bookmark_add:", key="temporary-keep", disabled=running,
            on_click=queue_action, args=("keep temporary",), help=t("Stores it among your chats."),
        )  # fmt: skip


def keep(portal: Portal, user: User) -> str | None:
    """Store the temporary chat; return the id of its conversation."""
    chat_id = opened()
    kept = portal.kept_chats.keep(user, chat_id) if chat_id else None
    leave(portal, user)
    return kept


def _meaning() -> str:
    return t("It is not stored, and it is gone when you leave it. Files cannot be attached.")
