"""Keep a line or a row in view, and close the sidebar on a phone after a choice. The browser does both."""

from __future__ import annotations

from dataclasses import asdict

import streamlit as st

from pages.shell.words import t
from pages.widgets.chat.linked_message import LinkTarget
from pages.widgets.common.script import component

_JUMP = "<button class='jump' hidden><i aria-hidden='true' translate='no'>arrow_downward</i></button>"
_follow = component("follow", file="follow.js", html=_JUMP)
_keep_in_sight = component("keepInSight", file="follow.js", html="<i></i>")
_close_sidebar = component("closeSidebar", file="follow.js", html="<i></i>")


def follow(conversation: str, answer: str, link_target: LinkTarget | None = None) -> None:
    """Scroll with the growing transcript until the user scrolls up; a button then leads back to the newest line.

    answer: the id of the running answer, else "". A new answer is followed from its start.
    link_target: a message to scroll to and mark instead, once.
    """
    with st.container(key="follow"):
        place = {"conversation": conversation, "answer": answer, "label": t("Jump to the newest message")}
        _follow(key="follow-transcript", data=[place | {"arrival": asdict(link_target) if link_target else None}])


def keep_in_sight(name: str, key: str) -> None:
    """Scroll the element with this key into view when the key changes, no further than needed. name: identifies the caller."""
    with st.container(key=f"zero-sight-{name}"):
        _keep_in_sight(key=f"sight-{name}", data=[{"key": key}], height=1)


def close_sidebar(conversation: str) -> None:
    """Close the sidebar on a phone, where it covers the page, when another conversation is opened."""
    with st.container(key="zero-close"):
        _close_sidebar(key="close-sidebar", data=[{"conversation": conversation}], height=1)
