"""The limits part of the Access page, and the words for limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

import streamlit as st

from core.access.groups import GroupInfo
from core.access.records import AtLimit, Holder, LimitRule, LimitState, Measure, Period
from core.errors import PortalError
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import count
from pages.widgets.people.group_members import attempt

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_HOLDERS = {Holder.EVERYONE: "Each person", Holder.PERSON: "One person", Holder.GROUP: "A group together", Holder.KEY: "An API key"}
_MEASURES = {
    (Measure.REQUESTS, Period.MINUTE): "Questions per minute",
    (Measure.REQUESTS, Period.DAY): "Questions per day",
    (Measure.REQUESTS, Period.MONTH): "Questions per month",
    (Measure.TOKENS, Period.MINUTE): "Tokens per minute",
    (Measure.TOKENS, Period.DAY): "Tokens per day",
    (Measure.TOKENS, Period.MONTH): "Tokens per month",
    (Measure.UPLOADS, Period.MINUTE): "Uploads per minute",
    (Measure.UPLOADS, Period.DAY): "Uploads per day",
    (Measure.UPLOADS, Period.MONTH): "Uploads per month",
    (Measure.CONCURRENT, Period.NOW): "Answers at the same time",
}
_AT_LIMIT = {AtLimit.REFUSE: "Refuse", AtLimit.QUEUE: "Chats wait", AtLimit.CHEAPER: "Another model answers"}


def limit_list(portal: Portal, user: User, people: Sequence[User], groups: Sequence[GroupInfo]) -> None:
    """Draw the rules and the form for a new one."""
    rules = portal.limits.rules(user)
    names = {each.id: each.name for each in people}
    if not rules:
        st.caption(t("No limits are set: everyone may use as much as the models can answer."))
    with st.container(key="limitrows", gap=None):
        for rule in rules:
            _row(portal, user, rule, names)
    _add(portal, user, people, groups)


def meter(states: Sequence[LimitState]) -> str:
    """Return a line about the tightest limit of which more than half is used; "" if there is none."""
    return left_words(states[0]) if states else ""


def left_words(state: LimitState) -> str:
    """Say how much of a limit is left, and until when."""
    rest = t("{left} of {amount} left", left=count(state.left), amount=count(state.rule.amount))
    name = t(_MEASURES[state.rule.measure, state.rule.period])
    if state.rule.holder is Holder.GROUP:
        name = t("{limit} of your group", limit=name)
    if state.resets_at is None:
        return f"{name}: {rest}"
    return f"{name}: {rest} · " + t("resets at {when}", when=f"{state.resets_at:%Y-%m-%d %H:%M} UTC")


def _row(portal: Portal, user: User, rule: LimitRule, names: Mapping[str, str]) -> None:
    who = names.get(rule.subject, rule.subject) if rule.subject else ""
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small", key=f"limit-{rule.id}"):
        holder = t(_HOLDERS[rule.holder]) + (f" · {plain(who)}" if who else "")
        then = t(_AT_LIMIT[rule.at_limit]) + (f" ({plain(rule.model)})" if rule.model else "")
        label = f"{t(_MEASURES[rule.measure, rule.period])}: **{count(rule.amount)}**  \n:small[:gray[{holder} · {then}]]"
        st.markdown(label, width="stretch")
        if st.button(t("Remove"), type="tertiary", key=f"limit-remove-{rule.id}"):
            attempt(lambda: portal.limits.remove(user, rule.id))


def _add(portal: Portal, user: User, people: Sequence[User], groups: Sequence[GroupInfo]) -> None:
    st.markdown(f"### {t('Set a limit')}", anchors=False)
    with st.container(horizontal=True):
        holder = st.selectbox(t("For"), list(Holder), 0, lambda each: t(_HOLDERS[each]), key="limit-holder")
        subject = _subject(holder, people, groups)
    with st.container(horizontal=True):
        what = st.selectbox(t("Limit"), list(_MEASURES), 1, lambda each: t(_MEASURES[each]), key="limit-what")
        amount = st.number_input(t("Amount"), 1, 10**12, 100, key="limit-amount")
    choices = [AtLimit.REFUSE] if what[0] is Measure.UPLOADS else list(AtLimit)
    with st.container(horizontal=True):
        at_limit = st.selectbox(t("At the limit"), choices, 0, lambda each: t(_AT_LIMIT[each]), key="limit-then")
        model = ""
        if at_limit is AtLimit.CHEAPER:
            names = [each.name for each in portal.gateway.chat_models(user)]
            model = st.selectbox(t("Model"), names, None, accept_new_options=True, placeholder=t("Choose or type"), key="limit-model") or ""
    if st.button(t("Set limit"), type="primary", key="limit-set"):
        try:
            rule = LimitRule(
                id=uuid4().hex, holder=holder, subject=subject, measure=what[0], period=what[1], amount=int(amount), at_limit=at_limit,
                model=model,
            )  # fmt: skip
        except PortalError as problem:
            st.error(plain(error_text(problem)), icon=":material/error:")
            return
        attempt(lambda: portal.limits.put(user, rule))


def _subject(holder: Holder, people: Sequence[User], groups: Sequence[GroupInfo]) -> str:
    match holder:
        case Holder.PERSON:
            names = [each.name for each in people]
            return st.selectbox(t("Person"), names, None, placeholder=t("Choose a person"), key="limit-person") or ""
        case Holder.GROUP:
            names = [each.group.name for each in groups]
            return st.selectbox(t("Group"), names, None, placeholder=t("Choose a group"), key="limit-group") or ""
        case Holder.KEY:
            return st.text_input(t("Key id"), max_chars=64, key="limit-key", autocomplete="off")
        case Holder.EVERYONE:
            return ""
