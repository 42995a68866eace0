"""Alerts: rules on what the portal measures, what fires, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import NotFound, PortalError
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.usage.alerts.records import DeliveryState, StoredRule
from core.usage.alerts.rule_records import AlertRule, Measure
from pages.shell import frame
from pages.shell.live_part import dialog, part
from pages.shell.words import error_text, t
from pages.widgets.alerts.firing import firing
from pages.widgets.alerts.form import HOLD, rule_form
from pages.widgets.alerts.history import history
from pages.widgets.alerts.outcome import outcome
from pages.widgets.alerts.rule_list import RULE, open_rule, rule_list
from pages.widgets.alerts.starters import STARTERS, starter
from pages.widgets.alerts.webhooks import where_alerts_go
from pages.widgets.alerts.words import condition_words, delivery_word, measure_word
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import ago

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "alerts"
LIVE_S = 10.0
_NEW, _FROM = "new", "from"
_OPENED = "alert-opened"


def render(portal: Portal, user: User) -> None:
    require(user, Permission.VIEW_USAGE)
    wanted, may_change = st.query_params.get(RULE), allows(user, Permission.MANAGE_ALERTS)
    if wanted is None or not may_change:
        st.session_state.pop(_OPENED, None)
        _overview(portal, user, may_change)
        return
    st.button(t("All alerts"), icon=":material/arrow_back:", type="tertiary", key="alerts-back", on_click=_close)
    if wanted == _NEW:
        _edit(portal, user, None)
        return
    try:
        stored = portal.alert_rules.get(user, wanted)
    except NotFound as problem:
        frame.blank(t("There is nothing here"), plain(error_text(problem)), key="blank-alert")
        return
    _edit(portal, user, stored)


def _close() -> None:
    for name in (RULE, _FROM):
        st.query_params.pop(name, None)


def _begin(name: str = "") -> None:
    """Open the form of a new rule. name: of a ready-made one."""
    open_rule(_NEW)
    if name:
        st.query_params[_FROM] = name


def _overview(portal: Portal, user: User, may_change: bool) -> None:
    overview = portal.alert_rules.overview(user)
    fires = sum(each.status.episode is not None for each in overview.rules)
    sub = t("{n} of {all} rules fire. Checked every half minute.", n=fires, all=len(overview.rules)) if overview.rules else ""
    with frame.page_head(t("Alerts"), sub, key="alerts"):
        if may_change:
            if st.button(t("Where alerts go"), type="tertiary", key="alerts-where"):
                where_alerts_go(portal, user)
            st.button(t("New rule"), icon=":material/add:", key="alert-new", on_click=_begin)
    if not overview.rules:
        _empty(may_change)
        return
    part(_live, every=LIVE_S)(portal, user)


def _empty(may_change: bool) -> None:
    what = t("A rule watches a measure, such as failed answers or free disk space, and tells people when it passes a value.")
    frame.blank(t("No alert rules yet"), what, key="blank-alerts")
    if not may_change:
        return
    with st.container(key="alert-starters", gap=None):
        for name in STARTERS:
            rule = starter(name)
            assert rule is not None
            words = plain(f"{measure_word(rule.measure)} {condition_words(rule)}")
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"alertrow-{name}"):
                st.markdown(f"**{rule.name}**  \n:small[:gray[{words}]]", width="stretch")
                st.button(t("Set up"), type="tertiary", key=f"alert-start-{name}", on_click=_begin, args=(name,))


def _live(portal: Portal, user: User) -> None:
    overview = portal.alert_rules.overview(user)
    firing(portal, user, overview)
    shown = st.segmented_control(
        t("Shown"), ["rules", "history"], default="rules", required=True, label_visibility="collapsed", key="alerts-shown",
        format_func=lambda each: t("Rules") if each == "rules" else t("History"),
    )  # fmt: skip
    if shown == "rules":
        rule_list(portal, user, overview)
    else:
        history(portal, user)


def _edit(portal: Portal, user: User, stored: StoredRule | None) -> None:
    now = stored.rule if stored else starter(st.query_params.get(_FROM, "")) or AlertRule(name=t("New rule"), measure=Measure.ERRORS,
                                                                                         threshold=5, least=20, hold_s=300)  # fmt: skip
    if st.session_state.get(_OPENED) != (stored.id if stored else now.name):
        st.session_state[_OPENED] = stored.id if stored else now.name
        st.session_state[HOLD] = now.hold_s
    sub = t("Changed {age}", age=ago(stored.updated_at)) if stored else t("It is checked from the moment it is saved.")
    actions = frame.page_head(plain(stored.rule.name) if stored else t("New rule"), sub, key="alert")
    left, right = st.columns([1, 1.35], gap="medium")
    rule = None
    with left, st.container(gap="small", key="alert-form"):
        try:
            rule = rule_form(now, portal.alert_rules.choices(user), can_mail=portal.alert_delivery.can_mail)
            st.caption(f"{measure_word(rule.measure)} {plain(condition_words(rule))}")
        except PortalError as problem:
            st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
    if rule is not None:
        with right:
            try:
                outcome(rule, portal.alert_previews.preview(user, rule), _use_hold)
            except PortalError as problem:
                st.caption(plain(error_text(problem)))
    if stored is not None:
        with right:
            part(_tests, every=2.0)(portal, user, stored.id)
    with actions:
        _actions(portal, user, stored, rule)


def _use_hold(seconds: int) -> None:
    st.session_state[HOLD] = seconds


def _actions(portal: Portal, user: User, stored: StoredRule | None, rule: AlertRule | None) -> None:
    if stored is not None:
        if st.button(t("Delete"), type="tertiary", key="alert-delete"):
            _remove(portal, user, stored)
        if st.button(t("Switch off") if stored.enabled else t("Switch on"), type="tertiary", key="alert-switch"):
            portal.alert_rules.change(user, stored.id, enabled=not stored.enabled)
            st.rerun()
        if st.button(t("Send a test"), type="tertiary", key="alert-test", disabled=not (stored.rule.mails or stored.rule.webhooks)):
            portal.alert_delivery.test(user, stored.id)
    if st.button(t("Save rule"), type="primary", key="alert-save", disabled=rule is None) and rule is not None:
        try:
            if stored is None:
                portal.alert_rules.add(user, rule)
            else:
                portal.alert_rules.change(user, stored.id, rule)
        except PortalError as problem:
            st.toast(plain(error_text(problem)), icon=":material/error:")
            return
        _close()
        st.rerun()


def _tests(portal: Portal, user: User, rule_id: str) -> None:
    """Show the newest tests and whether they arrived."""
    for each in portal.alert_delivery.tests(user, rule_id)[:3]:
        words = f"{t('Test')}: {plain(delivery_word(each))} · {ago(each.created_at)}"
        if each.state is not DeliveryState.SENT and each.error is not None:
            words += f" · :orange[{plain(error_text(each.error))}]"
        st.markdown(f":small[:gray[{words}]]")


def _remove(portal: Portal, user: User, stored: StoredRule) -> None:
    @dialog(t("Delete this rule?"))
    def ask() -> None:
        st.write(t("It is no longer checked. What it fired stays in the history."))
        if st.button(t("Delete rule"), type="primary", key="alert-delete-now"):
            portal.alert_rules.remove(user, stored.id)
            _close()
            st.rerun()

    ask()
