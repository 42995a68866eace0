"""Account: language, instructions, security, API keys, usage and memories of the user; signing out."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.people.permissions import Permission, allows
from core.people.records import User
from core.people.sessions import SESSION_COOKIE
from core.plugins.records import SectionPage
from pages.account.memory import has_memories, memories
from pages.shell import frame
from pages.shell.browser import shortcuts
from pages.shell.words import LANGUAGES, t
from pages.widgets.account import api_keys, chat_import, second_factor, security, sessions
from pages.widgets.account.browser_notices import browser_notices
from pages.widgets.account.instructions import group_instructions, own_instructions
from pages.widgets.account.own_use import own_use
from pages.widgets.account.training_consent import training_consent
from pages.widgets.chat.message import plain
from pages.widgets.common.cookie import drop_cookie
from pages.widgets.people.group_members import members
from pages.widgets.people.words import role_word
from pages.widgets.plugins.sections import plugin_sections

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_BROWSER = "browser"


def render(portal: Portal, user: User) -> None:
    with st.container(key="narrow", width=760, gap="medium"):
        frame.page_head(t("Account"), t("{name}, {role}", name=user.name, role=role_word(user.role)), key="account")
        titles = [t("Profile"), t("Security"), t("API keys"), t("Usage"), *([t("Memories")] if has_memories(portal, user) else [])]
        profile, secure, keys, use, *remembered = st.tabs(titles, key="tab", bind="query-params", on_change="rerun")
        if profile.open:
            with profile:
                _language(portal, user)
                own_instructions(portal, user)
                browser_notices(portal, user)
                training_consent(portal, user)
                _managed_groups(portal, user)
                chat_import.chat_import(portal, user)
                plugin_sections(portal, user, SectionPage.ACCOUNT)
        if secure.open:
            with secure:
                with st.container(width=480):
                    security.password(portal, user)
                    second_factor.second_factor(portal, user)
                sessions.sessions(portal, user)
        if keys.open:
            with keys:
                api_keys.api_keys(portal, user)
        if use.open:
            with use:
                own_use(portal, user)
        for tab in remembered:
            if tab.open:
                with tab:
                    memories(portal, user)


def open_memories() -> None:
    """Open the tab with the memories, which was a page of its own."""
    frame.open_page("account", tab=t("Memories"))


def _managed_groups(portal: Portal, user: User) -> None:
    """Draw the groups that this person manages, with their members."""
    for info in portal.groups.all(user):
        if user.name in info.group.managers:
            st.markdown(f"### {t('Your group {name}', name=plain(info.group.name))}", anchors=False)
            members(portal, user, info, None)
            group_instructions(portal, user, info)


def _language(portal: Portal, user: User) -> None:
    chosen = st.radio(
        t("Language"),
        [_BROWSER, *LANGUAGES],
        index=0 if user.language is None else 1 + list(LANGUAGES).index(user.language),
        format_func=lambda each: t("Same as browser") if each == _BROWSER else LANGUAGES[each],
        horizontal=True,
        key="account-language",
    )
    wanted = None if chosen == _BROWSER else chosen
    if wanted != user.language:
        portal.accounts.set_language(user, wanted)
        st.rerun()


def keyboard(user: User) -> None:
    """Draw the list of keyboard shortcuts as a page, for people who do not know the shortcut that opens it."""
    with st.container(key="narrow", width=480, gap="medium"):
        frame.page_head(t("Keyboard shortcuts"), t("Press ? on any page to see this list."), key="keyboard")
        for title, rows in shortcuts(allows(user, Permission.REVIEW_FEEDBACK)):
            keys = "".join(f"<dt>{escape(words)}</dt><dd>{' '.join(f'<kbd>{key}</kbd>' for key in keys)}</dd>" for words, keys in rows)
            st.html(f"<h3 class='keyhead'>{escape(title)}</h3><dl class='props keysheet'>{keys}</dl>")


def sign_out(portal: Portal, user: User) -> None:
    """End this session; the browser then drops the cookie and loads the sign-in page."""
    token = st.context.cookies.get(SESSION_COOKIE)
    if drop_cookie(once=f"out-{user.id}"):
        frame.blank(t("You are signed out"), t("Close this window so that no one can return to it."))
    if token:
        portal.sessions.close(token)
    st.caption(t("Signing out"))
