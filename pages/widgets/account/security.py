"""Change the user's password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.people.sessions import SESSION_COOKIE
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.requests import carried_out, first_values

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_CHANGED = "password-changed"


def password(portal: Portal, user: User) -> None:
    """Draw the form."""
    fields = ("password-old", "password-new", "password-again")
    first_values("change-password", dict.fromkeys(fields, ""))
    with st.form("change-password", border=False):
        st.markdown(f"### {t('Change password')}", anchors=False)
        old = st.text_input(t("Current password"), type="password", autocomplete="current-password", key=fields[0])
        new = st.text_input(
            t("New password"), type="password", autocomplete="new-password", help=t("At least 8 characters."), key=fields[1]
        )
        again = st.text_input(t("Repeat new password"), type="password", autocomplete="new-password", key=fields[2])
        sent = st.form_submit_button(t("Change password"), type="primary")
    if sent:
        _change(portal, user, old, new, again)
    elif st.session_state.pop(_CHANGED, False):
        st.success(t("Your password was changed, and your other sessions were ended."), icon=":material/check_circle:")


def _change(portal: Portal, user: User, old: str, new: str, again: str) -> None:
    if new != again:
        st.error(t("The new passwords do not match. Enter the same one twice."), icon=":material/error:")
        return
    try:
        portal.accounts.change_password(user, old, new, st.context.cookies.get(SESSION_COOKIE))
    except PortalError as problem:
        st.error(plain(error_text(problem)), icon=":material/error:")
        return
    carried_out("change-password")
    st.session_state[_CHANGED] = True
    st.rerun()
