"""The person's own account: language and password, and signing out."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.people.sessions import SESSION_COOKIE
from pages.shell import frame
from pages.shell.browser import shortcuts
from pages.shell.words import LANGUAGES, said, t
from pages.widgets.chat.message import plain
from pages.widgets.common.cookie import drop_cookie
from pages.widgets.people.group_members import members
from pages.widgets.people.words import role_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_BROWSER = "browser"


def render(portal: Portal, user: User) -> None:
    with st.container(key="narrow", width=480, gap="medium"):
        frame.page_head(t("Preferences"), t("{name}, {role}", name=user.name, role=role_word(user.role)), key="account")
        _language(portal, user)
        _password(portal, user)
        _managed_groups(portal, user)


def _managed_groups(portal: Portal, user: User) -> None:
    """The groups that this person manages, with their members."""
    for info in portal.groups.all(user):
        if user.name in info.group.managers:
            st.markdown(f"### {t('Your group {name}', name=plain(info.group.name))}", anchors=False)
            members(portal, user, info, None)


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


def _password(portal: Portal, user: User) -> None:
    with st.form("change-password", border=False):
        st.markdown(f"### {t('Change password')}", anchors=False)
        old = st.text_input(t("Current password"), type="password", autocomplete="current-password")
        new = st.text_input(t("New password"), type="password", autocomplete="new-password", help=t("At least 8 characters."))
        again = st.text_input(t("Repeat new password"), type="password", autocomplete="new-password")
        if not st.form_submit_button(t("Change password"), type="primary"):
            return
    if new != again:
        st.error(t("The new passwords do not match. Enter the same one twice."), icon=":material/error:")
        return
    try:
        portal.accounts.change_password(user, old, new, st.context.cookies.get(SESSION_COOKIE))
    except PortalError as problem:
        st.error(plain(said(problem)), icon=":material/error:")
        return
    st.success(t("Your password was changed, and your other sessions were ended."), icon=":material/check_circle:")


def keyboard(user: User) -> None:
    """The list of keys as a page, for whoever does not know the key that shows it anywhere."""
    with st.container(key="narrow", width=480, gap="medium"):
        frame.page_head(t("Keyboard shortcuts"), t("Press ? on any page to see this list."), key="keyboard")
        for title, rows in shortcuts(allows(user, Permission.REVIEW_FEEDBACK)):
            keys = "".join(f"<dt>{escape(words)}</dt><dd>{' '.join(f'<kbd>{key}</kbd>' for key in keys)}</dd>" for words, keys in rows)
            st.html(f"<h3 class='keyhead'>{escape(title)}</h3><dl class='props keysheet'>{keys}</dl>")


def sign_out(portal: Portal, user: User) -> None:
    """End this session now; the browser then drops the cookie and loads the sign-in page."""
    token = st.context.cookies.get(SESSION_COOKIE)
    if drop_cookie(once=f"out-{user.id}"):
        frame.blank(t("You are signed out"), t("Close this window so that no one can return to it."))
    if token:
        portal.sessions.close(token)
    st.caption(t("Signing out"))
