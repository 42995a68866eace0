"""The queued question above the composer, which waits for the running answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.chat.follow_ups.records import FollowUp
from core.errors import PortalError
from core.people.records import User
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.requests import pending, queue_action

if TYPE_CHECKING:
    from bootstrap.portal import Portal

POLL_S = 0.5


def follow_up(portal: Portal, user: User, conversation_id: str, *, running: bool) -> None:
    """Draw the queued question, if there is one. After the answer has ended, check until the question is sent."""
    found = _queued(portal, user, conversation_id)
    if found is None:
        return
    with st.bottom, st.container(key="followup", horizontal=True, vertical_alignment="center", wrap=False, gap="xsmall"):
        head = t("Next: {question}", question=found.text)
        why = f"  \n:red[{plain(error_text(found.error))}]" if found.error else ""
        st.markdown(f":gray[:material/schedule_send:] {plain(head)}{why}", width="stretch")
        if not running and found.error:
            st.button(t("Send now"), type="tertiary", key="followup-send", on_click=queue_action, args=("send queued",))
        st.button(t("Take back"), type="tertiary", key="followup-back", on_click=queue_action, args=("take back",))
    if not running and not found.error:
        _look(portal, user, conversation_id)


def _queued(portal: Portal, user: User, conversation_id: str) -> FollowUp | None:
    try:
        return portal.follow_ups.get(user, conversation_id)
    except PortalError:
        return None


def _look(portal: Portal, user: User, conversation_id: str) -> None:
    def look() -> None:
        found = _queued(portal, user, conversation_id)
        if pending() or found is None or found.error or portal.turns.running(user, conversation_id):
            st.rerun()

    part(look, every=POLL_S)()
