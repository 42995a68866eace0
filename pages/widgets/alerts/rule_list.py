"""List all rules with their state and what they measure now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.people.permissions import Permission, allows
from core.people.records import User
from core.usage.alerts.records import Phase, StoredRule
from core.usage.alerts.rules import COUNTED_DAYS, Overview
from pages.shell.words import t
from pages.widgets.alerts.firing import silence_popover
from pages.widgets.alerts.words import condition_words, measure_word, state_badge, told_words, value_word
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

RULE = "rule"
"""The query parameter that opens a rule."""


def open_rule(rule_id: str) -> None:
    st.query_params[RULE] = rule_id


def rule_list(portal: Portal, user: User, overview: Overview) -> None:
    """Draw a row for each rule."""
    may_change = allows(user, Permission.MANAGE_ALERTS)
    with st.container(key="alert-rules", gap=None):
        for stored in overview.rules:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"alertrow-{stored.id}"):
                facts = plain(_facts(stored, overview))
                st.markdown(
                    f"**{plain(stored.rule.name)}** {state_badge(stored, overview)}  \n:small[:gray[{facts}]]", width="stretch"
                )
                colour = ":red" if stored.status.phase is Phase.FIRING else ""
                now = value_word(stored.rule.measure, stored.status.value)
                st.markdown(f"{colour}[{now}]" if colour else now, width="content")
                if may_change:
                    if stored.enabled and stored.status.episode is None and not stored.status.silenced(overview.at):
                        silence_popover(portal, user, overview, stored)
                    # Outside of the fragment: the page changes from the list to the form.
                    if st.button(t("Edit"), type="tertiary", key=f"alert-edit-{stored.id}"):
                        open_rule(stored.id)
                        st.rerun()


def _facts(stored: StoredRule, overview: Overview) -> str:
    facts = [f"{measure_word(stored.rule.measure)} {condition_words(stored.rule)}", told_words(stored.rule)]
    if times := overview.fired.get(stored.id, 0):
        facts.append(t("fired {n} times in {days} days", n=times, days=COUNTED_DAYS))
    return " · ".join(facts)
