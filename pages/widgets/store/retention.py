"""Retention rules and legal holds on the Store page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.operations.records import EVERY_GROUP, RetentionKind
from core.operations.retention import MAX_DAYS
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card
from pages.widgets.common.requests import carried_out, first_values

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_PROBLEM = "retention-problem"


def rules(portal: Portal, user: User) -> None:
    """Draw the card of retention rules."""
    words = {
        RetentionKind.CHATS: t("Chats"),
        RetentionKind.FILES: t("Files"),
        RetentionKind.FEEDBACK: t("Ratings"),
        RetentionKind.AUDIT: t("Audit events"),
        RetentionKind.MODEL_REPORTS: t("Swaps and comparisons of models"),
        RetentionKind.MEMORIES: t("Memories"),
        RetentionKind.TASKS: t("Tasks"),
        RetentionKind.DATASETS: t("Versions of datasets that are not used"),
    }
    found = portal.retention.rules(user)
    with card("retention", t("Retention"), t("Older items are permanently deleted once a day. Usage statistics stay.")):
        with st.container(gap=None, key="rules"):
            for number, rule in enumerate(found):
                group = t("every group") if rule.group == EVERY_GROUP else rule.group or t("No group")
                with st.container(horizontal=True, vertical_alignment="center", key=f"rule-{number}"):
                    kept = t("{what}, {group}: kept {n} days", what=words[rule.kind], group=group, n=rule.days)
                    st.markdown(plain(kept), width="stretch")
                    if st.button(t("Remove"), type="tertiary", key=f"rule-remove-{number}"):
                        _do("rules", lambda each=rule: portal.retention.set_rule(user, each.kind, each.group, None))  # type: ignore[misc]
        if not found:
            st.caption(t("There are no rules: everything is kept."))
        with st.form("rule-add", border=False), st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
            kind = st.selectbox(t("Kind"), list(words), format_func=words.__getitem__, key="rule-kind", width=130)
            group = st.selectbox(
                t("Group"), [EVERY_GROUP, *_groups(portal, user)], key="rule-group", width=150,
                format_func=lambda name: t("Every group") if name == EVERY_GROUP else name,
            )  # fmt: skip
            days = st.number_input(t("Days to keep"), 1, MAX_DAYS, 365, key="rule-days", width=120)
            sent = st.form_submit_button(t("Set rule"))
        if sent:
            _do("rules", lambda: portal.retention.set_rule(user, kind, group, int(days)))
        _problem("rules")


def holds(portal: Portal, user: User) -> None:
    """Draw the card of legal holds."""
    found = portal.retention.holds(user)
    with card("holds", t("Legal holds"), t("Nothing these people own can be deleted, neither by rules nor by themselves")):
        for hold in found:
            with st.container(horizontal=True, vertical_alignment="center", key=f"hold-{hold.user_id}"):
                since = t("since {when}", when=f"{hold.placed_at:%Y-%m-%d}")
                st.markdown(f"{plain(hold.user_name)}  \n:small[:gray[{plain(hold.reason)} · {since}]]", width="stretch")
                if st.button(t("Lift"), type="tertiary", key=f"lift-{hold.user_id}"):
                    _do("holds", lambda each=hold: portal.retention.lift_hold(user, each.user_name))  # type: ignore[misc]
        if not found:
            st.caption(t("No one is under a legal hold."))
        first_values("hold-add", {"hold-name": "", "hold-reason": ""})
        with st.form("hold-add", border=False):
            with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
                name = st.text_input(t("User name"), max_chars=64, autocomplete="off", key="hold-name", width=130)
                reason = st.text_input(t("Reason"), max_chars=200, autocomplete="off", key="hold-reason", width="stretch")
                sent = st.form_submit_button(t("Place hold"))
        if sent:
            _do("holds", lambda: portal.retention.place_hold(user, name, reason), form="hold-add")
        _problem("holds")


def _groups(portal: Portal, user: User) -> list[str]:
    return sorted({each.group for each in portal.accounts.people(user) if each.group})


def _do(where: str, action: Callable[[], object], form: str = "") -> None:
    """Run the action and redraw the page; show a refusal in the card `where`. form: a form to empty afterwards."""
    try:
        action()
        carried_out(form)
    except PortalError as problem:
        st.session_state[_PROBLEM] = (where, error_text(problem))
    st.rerun()


def _problem(where: str) -> None:
    card, sentence = st.session_state.get(_PROBLEM, ("", ""))
    if card == where:
        del st.session_state[_PROBLEM]
        st.markdown(f":red[:material/error: {plain(sentence)}]")
