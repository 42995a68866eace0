"""The head of an open chat: its title, and Share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.sharing import share_dialog

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def chat_head(portal: Portal, user: User, conversation_id: str) -> None:
    """Draw the head."""
    try:
        conversation = portal.conversations.get(user, conversation_id)
    except PortalError:
        return
    with st.container(key="chathead", horizontal=True, vertical_alignment="center", wrap=False, gap="xsmall"):
        st.caption(plain(conversation.title or t("New chat")), width="stretch")
        if allows(user, Permission.EXPORT):
            st.button(
                t("Share"), icon=":material/ios_share:", key="share", type="tertiary", on_click=share_dialog.show, args=(conversation_id,)
            )
    share_dialog.draw(portal, user, conversation_id)
