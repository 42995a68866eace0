"""API keys of the user: make a key, copy it once, list, rename and revoke keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from core.people.api_keys import KeyTerms
from core.people.permissions import Permission, allows, usable_scopes
from core.people.records import KeyState, Scope, User
from pages.shell.live_part import dialog
from pages.shell.words import t
from pages.widgets.account.from_programs import from_programs
from pages.widgets.account.key_rows import SCOPES, do, key_row
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_MADE, _ASKING = "account-made-key", "account-asks-for-key"
_LIFETIMES = {30: "30 days", 90: "90 days", 365: "1 year", None: "No expiry"}


def api_keys(portal: Portal, user: User) -> None:
    """Draw the card of API keys."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(t("A key lets a program use the portal as you, within its scopes."), width="stretch")
        st.button(t("New key"), icon=":material/add:", type="primary", key="key-new", on_click=_open)
    if st.session_state.get(_ASKING):
        _ask(portal, user)
    if made := st.session_state.get(_MADE):
        with st.container(border=True, key="card-made-key"):
            name, token = made
            st.markdown(f"**{plain(t('The key {name} is ready.', name=name))}** {t('Copy it now. It is shown only this once.')}")
            st.code(token, language=None, wrap_lines=True)
            st.button(t("I have copied it"), key="key-copied", on_click=lambda: st.session_state.pop(_MADE, None))
    now = datetime.now(UTC)
    shown = [each for each in portal.api_keys.own(user) if each.state(now) is not KeyState.REVOKED]
    if not shown:
        st.markdown(t("You have no API keys yet."))
    with st.container(key="keyrows", gap=None):
        for key in shown:
            key_row(portal, user, key, rename=True)
    if allows(user, Permission.CHAT):
        from_programs(portal, user, st.session_state[_MADE][1] if st.session_state.get(_MADE) else None)


def _open() -> None:
    st.session_state.pop(_MADE, None)
    st.session_state[_ASKING] = True


def _close() -> None:
    st.session_state.pop(_ASKING, None)


def _ask(portal: Portal, user: User) -> None:
    scopes = [each for each in Scope if each in usable_scopes(user)]

    @dialog(t("New API key"), on_dismiss=_close)
    def ask() -> None:
        name = st.text_input(t("Name"), max_chars=80, placeholder=t("What uses the key"), autocomplete="off", key="key-name")
        chosen = st.pills(
            t("Scopes"), scopes, selection_mode="multi", default=scopes[:1], format_func=lambda each: t(SCOPES[each]), key="key-scopes"
        )
        days = st.selectbox(
            t("Lifetime"), list(_LIFETIMES), index=1, format_func=lambda each: t(_LIFETIMES[each]), key="key-days"
        )  # fmt: skip
        with st.expander(t("Limits of this key"), type="compact"):
            requests = st.number_input(t("Requests a minute"), min_value=1, max_value=1_000_000, value=None, step=1, key="key-requests")
            tokens = st.number_input(t("Tokens a minute"), min_value=1, max_value=1_000_000_000, value=None, step=1000, key="key-tokens")
        if st.button(t("Make key"), type="primary", key="key-make"):
            do(lambda: _make(portal, user, name, frozenset(chosen), days, requests, tokens))

    ask()


def _make(
    portal: Portal, user: User, name: str, scopes: frozenset[Scope], days: int | None, requests: int | None, tokens: int | None
) -> None:
    terms = KeyTerms(name=name, scopes=scopes, days=days, requests_per_minute=requests, tokens_per_minute=tokens)
    made = portal.api_keys.make(user, terms)
    st.session_state[_MADE] = made.key.name, made.token
    _close()
