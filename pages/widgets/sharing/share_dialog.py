"""Make read-only links to a chat, copy them, and revoke them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.sharing.records import Share
from pages.shell.live_part import callback, dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.chat.sidebar.conversation_list import day
from pages.widgets.common.script import component
from pages.widgets.usage.days import zone

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "shared"
LINK = "s"
"""The query parameter with the id of a link."""
_OPEN, _PROBLEM = "share-open", "share-problem"
_LIFETIMES = {1: "1 day", 7: "7 days", 30: "30 days", 90: "90 days", 0: "Until it is revoked"}
_copy = component("copyLink", file="share.js", html="<button class='copy' type='button'></button>")


def show(conversation_id: str) -> None:
    """Open the dialog for this chat."""
    st.session_state[_OPEN] = conversation_id
    st.session_state.pop(_PROBLEM, None)


def _close() -> None:
    st.session_state.pop(_OPEN, None)


def draw(portal: Portal, user: User, conversation_id: str) -> None:
    """Draw the dialog, if it is open for this chat."""
    if st.session_state.get(_OPEN) != conversation_id:
        return

    @dialog(t("Share this chat"), on_dismiss=_close)
    def ask() -> None:
        st.markdown(t(
            "People read the questions and answers that the chat shows now, with the names of the models and files. Thoughts, ratings, "
            "other versions and later messages stay private."
        ))  # fmt: skip
        _form(portal, user, conversation_id)
        links = portal.shares.of_conversation(user, conversation_id)
        if links:
            st.markdown(f"### {t('Links')}", anchors=False)
            with st.container(key="sharelinks", gap=None):
                for each in links:
                    _link(portal, user, each)

    ask()


def _form(portal: Portal, user: User, conversation_id: str) -> None:
    groups = {each.id: each.name for each in portal.shares.audiences(user)}
    who = st.selectbox(
        t("Who can read it"), ["", *groups], key="share-who",
        format_func=lambda each: t("Group {name}", name=groups[each]) if each in groups else t("Everyone who is signed in"),
    )  # fmt: skip
    days = st.selectbox(
        t("Until when"), list(_LIFETIMES), index=2, format_func=lambda each: t(_LIFETIMES[each]), key="share-days"
    )
    masked = st.checkbox(
        t("Mask personal data"), key="share-mask",
        help=t(
            "Replaces the phone and identity numbers, bank cards, e-mail addresses and passwords that are recognized. "
            "Read the result before you send the link."
        ),
    )  # fmt: skip
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.markdown(f":red[:material/error: {plain(problem)}]")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(t("Create link"), type="primary", key="share-create"):
            try:
                portal.shares.create(user, conversation_id, group_id=who or None, days=days or None, masked=masked)
            except PortalError as problem:
                st.session_state[_PROBLEM] = error_text(problem)
            st.rerun(scope="fragment")


def _link(portal: Portal, user: User, share: Share) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"row-share-{share.id}", gap="xsmall", wrap=False):
        st.markdown(f"{plain(_audience(share))}  \n:small[:gray[{plain(_facts(share))}]]", width="stretch")
        with st.container(width="content"):
            data = {"path": f"/{PATH}?{LINK}={share.id}", "copy": t("Copy link"), "copied": t("Copied")}
            _copy(key=f"copy-{share.id}", data=[data], height=40)
        st.button(
            t("Revoke"), type="tertiary", key=f"revoke-{share.id}", on_click=callback(_revoke), args=(portal, user, share.id)
        )  # fmt: skip


def _revoke(portal: Portal, user: User, share_id: str) -> None:
    try:
        portal.shares.revoke(user, share_id)
    except PortalError as problem:
        st.session_state[_PROBLEM] = error_text(problem)


def _audience(share: Share) -> str:
    if share.group_id is None:
        return t("Everyone who is signed in")
    return t("Group {name}", name=share.group) if share.group else t("A group that was removed")


def _facts(share: Share) -> str:
    now = datetime.now(zone())
    until = t("until {day}", day=day(share.expires_at.astimezone(UTC), now)) if share.expires_at else t("until it is revoked")
    return " · ".join([t("created {day}", day=day(share.created_at, now)), until, *([t("personal data masked")] if share.masked else [])])
