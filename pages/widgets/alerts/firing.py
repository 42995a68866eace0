"""Show what fires now, with who was told, and let people acknowledge and silence it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.usage.alerts.records import StoredRule
from core.usage.alerts.rules import Overview
from pages.shell.words import error_text, t
from pages.widgets.alerts.words import condition_words, measure_word, span_word, state_badge, value_word
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_SILENCES = (15 * 60, 3600, 8 * 3600, 86_400, 7 * 86_400)


def firing(portal: Portal, user: User, overview: Overview) -> None:
    """Draw a card with all that fires, the newest first."""
    found = [each for each in overview.rules if each.status.episode is not None]
    if not found:
        return
    with st.container(border=True, key="card-firing", gap="small"):
        for stored in sorted(found, key=_began, reverse=True):
            _row(portal, user, overview, stored)


def _began(stored: StoredRule) -> float:
    return stored.status.episode.started_at.timestamp() if stored.status.episode is not None else 0.0


def _row(portal: Portal, user: User, overview: Overview, stored: StoredRule) -> None:
    status, rule = stored.status, stored.rule
    episode = status.episode
    assert episode is not None
    lasted = span_word(max(0.0, (overview.at - episode.started_at).total_seconds()))
    facts = [f"{measure_word(rule.measure)} {condition_words(rule)}", t("fires for {span}", span=lasted)]
    if episode.worst is not None and episode.worst != status.value:
        facts.append(t("worst {value}", value=value_word(rule.measure, episode.worst)))
    if episode.acknowledged_at is not None:
        name = overview.names.get(episode.acknowledged_by or "", t("somebody"))
        facts.append(t("acknowledged by {name}", name=name) + (f": {episode.note}" if episode.note else ""))
    else:
        told = episode.told_at is not None and (rule.people or rule.mails or rule.webhooks)
        facts.append(t("people were told") if told else t("nobody was told"))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"alert-firing-{stored.id}"):
        st.markdown(
            f"**{plain(rule.name)}** {value_word(rule.measure, status.value)} {state_badge(stored, overview)}  \n"
            f":small[:gray[{plain(' · '.join(facts))}]]", width="stretch",
        )  # fmt: skip
        if not allows(user, Permission.MANAGE_ALERTS):
            return
        if status.silenced(overview.at):
            if st.button(t("End the silence"), type="tertiary", key=f"alert-unsilence-{stored.id}"):
                _do(lambda: portal.alert_handling.end_silence(user, stored.id))
        else:
            silence_popover(portal, user, overview, stored)
        if episode.acknowledged_at is None:
            with st.popover(t("Acknowledge"), key=f"alert-ack-{stored.id}"):
                note = st.text_input(t("Note"), max_chars=80, key=f"alert-note-{stored.id}", autocomplete="off")
                st.caption(t("People are not told again before it is over."))
                if st.button(t("Acknowledge"), type="primary", key=f"alert-acknow-{stored.id}"):
                    _do(lambda: portal.alert_handling.acknowledge(user, stored.id, note))


def silence_popover(portal: Portal, user: User, overview: Overview, stored: StoredRule) -> None:
    """Draw the button that silences a rule for a while."""
    with st.popover(t("Silence"), type="tertiary", key=f"alert-silence-{stored.id}"):
        firing_now = stored.status.episode is not None
        options = [*_SILENCES, 0] if firing_now else list(_SILENCES)
        lasts = st.selectbox(
            t("How long"), options, index=1, format_func=lambda each: span_word(each) if each else t("Until it is over"),
            key=f"alert-lasts-{stored.id}",
        )  # fmt: skip
        reason = st.text_input(t("Reason"), max_chars=80, key=f"alert-reason-{stored.id}", autocomplete="off")
        st.caption(t("Nobody is told. The history goes on."))
        if st.button(t("Silence"), type="primary", key=f"alert-quiet-{stored.id}"):
            until = overview.at + timedelta(seconds=lasts) if lasts else None
            _do(lambda: portal.alert_handling.silence(user, stored.id, until, reason))


def _do(act: Callable[[], object]) -> None:
    try:
        act()
    except PortalError as problem:
        st.toast(plain(error_text(problem)), icon=":material/error:")
        return
    st.rerun()
