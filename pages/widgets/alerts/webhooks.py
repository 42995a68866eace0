"""Manage the addresses that alerts are posted to, in a dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_MADE = "alert-webhook-made"


def where_alerts_go(portal: Portal, user: User) -> None:
    """Open the dialog with all webhooks and a form for a new one."""

    @dialog(t("Where alerts go"), on_dismiss=_forget)
    def show() -> None:
        words = t("Mails are sent through the mail server of the settings.")
        if not portal.alert_delivery.can_mail:
            words = t("No mail server is set. An admin can set PORTAL_SMTP_HOST.")
        st.caption(words)
        if (made := st.session_state.get(_MADE)) is not None:
            st.markdown(t("Copy the secret of {name} now. It is shown only this once.", name=f"**{plain(made.name)}**"))
            st.code(made.secret, language=None)
        for each in portal.alert_webhooks.list(user):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"alert-hook-{each.id}"):
                st.markdown(f"**{plain(each.name)}**  \n:small[:gray[{plain(each.address)}]]", width="stretch")
                if st.button(t("Delete"), type="tertiary", key=f"alert-unhook-{each.id}"):
                    portal.alert_webhooks.remove(user, each.id)
                    st.rerun(scope="fragment")
        with st.form("alert-new-hook", border=False):
            name = st.text_input(t("Name"), max_chars=80, autocomplete="off")
            address = st.text_input(t("Address"), placeholder="https://", autocomplete="off")
            st.caption(t("The portal posts JSON to it, signed with a secret of its own."))
            if st.form_submit_button(t("Add webhook"), type="primary"):
                try:
                    st.session_state[_MADE] = portal.alert_webhooks.add(user, name, address)
                except PortalError as problem:
                    st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
                else:
                    st.rerun(scope="fragment")

    show()


def _forget() -> None:
    st.session_state.pop(_MADE, None)
