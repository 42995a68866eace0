"""Show a shared chat: only the messages that the link contains."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import NotFound
from core.people.records import User
from pages.shell import frame
from pages.shell.words import t
from pages.widgets.chat.flow.answer_tools import answer_tools
from pages.widgets.chat.flow.diagrams import diagrams
from pages.widgets.chat.message import plain
from pages.widgets.chat.sidebar.conversation_list import day
from pages.widgets.sharing.share_dialog import LINK
from pages.widgets.sharing.snapshot import snapshot
from pages.widgets.usage.days import zone

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def render(portal: Portal, user: User) -> None:
    try:
        shared = portal.shares.open(user, st.query_params.get(LINK, ""))
    except NotFound:
        why = t("The link may be wrong, expired or revoked, or it was not made for you.")
        if frame.blank(t("There is nothing here"), why, t("Back to chat"), key="blank-page"):
            frame.open_page(frame.START)
        return
    share, now = shared.share, datetime.now(zone())
    about = [t("Shared by {name}", name=shared.owner), t("as of {day}", day=day(share.created_at, now))]
    about += [t("until {day}", day=day(share.expires_at, now))] if share.expires_at else []
    about += [t("personal data masked")] if share.masked else []
    with st.container(key="shared", gap="small"):
        frame.page_head(plain(share.title) or t("New chat"), plain(" · ".join(about)), key="shared")
        snapshot(shared)
    answer_tools()
    diagrams(each.text for each in shared.messages)
