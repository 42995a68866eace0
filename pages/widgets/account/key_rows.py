"""Draw API keys as rows, and name their scopes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import ApiKey, KeyState, Scope, User
from pages.shell.live_part import dialog
from pages.shell.words import error_text, listed, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import ago

if TYPE_CHECKING:
    from bootstrap.portal import Portal

SCOPES = {
    Scope.CHAT: "Chat",
    Scope.MODELS: "Run models",
    Scope.FEEDBACK: "Feedback",
    Scope.USAGE: "Usage",
    Scope.ADMIN: "Administration",
}
_BADGES = {KeyState.EXPIRED: ":orange-badge[{}]", KeyState.REVOKED: ":gray-badge[{}]"}
_STATES = {KeyState.EXPIRED: "Expired", KeyState.REVOKED: "Revoked"}


def scope_words(scopes: Collection[Scope]) -> str:
    """Return the names of scopes, separated by commas."""
    return listed(t(SCOPES[each]) for each in Scope if each in scopes)


def key_row(portal: Portal, user: User, key: ApiKey, *, owner: str = "", rename: bool = False) -> None:
    """Draw one key with its actions. owner: the name to show beside the key in a list of all people's keys."""
    state = key.state(datetime.now(UTC))
    badge = _BADGES[state].format(t(_STATES[state])) if state in _BADGES else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"keyrow-{key.id}"):
        name = f"{plain(key.name)} {badge}" + (f" :small[:gray[{plain(owner)}]]" if owner else "")
        st.markdown(f"{name}  \n:small[:gray[{plain(_facts(key, state))}]]", width="stretch")
        if state is KeyState.REVOKED:
            return
        words = {"rename": t("Rename"), "revoke": t("Revoke")} if rename else {"revoke": t("Revoke")}
        chosen = st.menu_button(t("Actions"), list(words), format_func=words.__getitem__, type="tertiary", key=f"keymore-{key.id}")
    if chosen == "rename":
        _ask_for_name(portal, user, key)
    elif chosen == "revoke":
        _ask_to_revoke(portal, user, key)


def _facts(key: ApiKey, state: KeyState) -> str:
    """Return a line such as "glmk_1a2b3c4d… · Chat · last used 3 h · valid until 2027-02-27 · 60 requests a minute"."""
    facts = [f"{key.prefix}…", scope_words(key.scopes)]
    facts.append(t("last used {age}", age=ago(key.last_used_at)) if key.last_used_at else t("never used"))
    if state is KeyState.ACTIVE:
        facts.append(t("valid until {day}", day=f"{key.expires_at:%Y-%m-%d}") if key.expires_at else t("does not expire"))
    if key.requests_per_minute is not None:
        facts.append(t("{n} requests a minute", n=key.requests_per_minute))
    if key.tokens_per_minute is not None:
        facts.append(t("{n} tokens a minute", n=key.tokens_per_minute))
    return " · ".join(facts)


def _ask_for_name(portal: Portal, user: User, key: ApiKey) -> None:
    @dialog(t("Rename API key"))
    def ask() -> None:
        with st.form("key-rename", border=False):
            name = st.text_input(t("Name"), value=key.name, max_chars=80, autocomplete="off")
            sent = st.form_submit_button(t("Rename"), type="primary")
        if sent:
            do(lambda: portal.api_keys.rename(user, key.id, name))

    ask()


def _ask_to_revoke(portal: Portal, user: User, key: ApiKey) -> None:
    @dialog(t("Revoke this API key?"))
    def ask() -> None:
        st.markdown(plain(t("Programs that use {name} are cut off immediately. This cannot be undone.", name=key.name)))
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall", key="danger-key"):
            if st.button(t("Cancel"), key="key-keep"):
                st.rerun()
            if st.button(t("Revoke"), type="primary", key="key-revoke"):
                do(lambda: portal.api_keys.revoke(user, key.id))

    ask()


def do(action: Callable[[], object]) -> None:
    """Run the action and redraw the page; show the error next to the control if it fails."""
    try:
        action()
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
    else:
        st.rerun()
