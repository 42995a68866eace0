"""The head of an open chat: its title or the search in it, and Share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.chat.records import Conversation
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell.words import t
from pages.widgets.chat.flow import find_in_chat
from pages.widgets.chat.message import plain
from pages.widgets.sharing import share_dialog

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def chat_head(portal: Portal, user: User, conversation: Conversation) -> None:
    """Draw the head."""
    with st.container(key="chathead", horizontal=True, vertical_alignment="center", wrap=False, gap="xsmall"):
        if finding := find_in_chat.opened(conversation.id):
            find_in_chat.find_bar(finding)
        else:
            st.caption(plain(conversation.title or t("New chat")), width="stretch")
            find_in_chat.find_button(conversation.id)
        if allows(user, Permission.EXPORT):
            st.button(
                t("Share"), icon=":material/ios_share:", key="share", type="tertiary", on_click=share_dialog.show, args=(conversation.id,)
            )
    share_dialog.draw(portal, user, conversation.id)
