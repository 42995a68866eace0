"""Change the user's password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.people.sessions import SESSION_COOKIE
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def password(portal: Portal, user: User) -> None:
    """Draw the form."""
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
        st.error(plain(error_text(problem)), icon=":material/error:")
        return
    st.success(t("Your password was changed, and your other sessions were ended."), icon=":material/check_circle:")
