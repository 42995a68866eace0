"""Sessions of the user: list them and end them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import Session, SessionKind, User
from core.people.sessions import SESSION_COOKIE, token_hash
from pages.shell.words import t
from pages.widgets.account.key_rows import do
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import ago

if TYPE_CHECKING:
    from bootstrap.portal import Portal

SHOWN = 50
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (("Android", "Android"), ("iPhone|iPad", "iOS"), ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux"))
"""Patterns in the user agent and their systems. The order matters: many user agents also name similar systems."""


def sessions(portal: Portal, user: User) -> None:
    """Draw the list of sessions."""
    own = portal.sessions.own(user)
    here = st.context.cookies.get(SESSION_COOKIE)
    current = token_hash(here) if here else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"### {t('Where you are signed in')}", anchors=False, width="stretch")
        if any(each.token_hash != current for each in own):
            if st.button(t("Sign out everywhere else"), key="sessions-others"):
                do(lambda: portal.sessions.revoke_others(user, here or ""))
    for each in own[:SHOWN]:
        _row(portal, user, each, current=each.token_hash == current)


def _row(portal: Portal, user: User, session: Session, *, current: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"keyrow-{session.id}"):
        badge = f" :green-badge[{t('This browser')}]" if current else ""
        facts = [session.address, t("signed in {when} UTC", when=f"{session.created_at:%Y-%m-%d %H:%M}")]
        facts.append(t("last used {age}", age=ago(session.used_at or session.created_at)))
        st.markdown(f"{plain(device(session))}{badge}  \n:small[:gray[{plain(' · '.join(filter(None, facts)))}]]", width="stretch")
        if not current and st.button(t("End session"), type="tertiary", key=f"session-end-{session.id}"):
            do(lambda: portal.sessions.revoke(user, session.id))


def device(session: Session) -> str:
    """Return the device of a session, such as "Firefox on Linux", or the user agent of a program."""
    if not session.agent.startswith("Mozilla/"):
        name = re.split(r"[/ ]", session.agent)[0][:40]
        return name or (t("A program") if session.kind is SessionKind.API else t("A browser"))
    browser = next((word for mark, word in _BROWSERS if mark in session.agent), t("A browser"))
    system = next((word for mark, word in _SYSTEMS if re.search(mark, session.agent)), "")
    return t("{browser} on {system}", browser=browser, system=system) if system else browser
