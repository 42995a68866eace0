"""Usage: how much the portal is used, how fast it answers, and how people rate the answers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.plugins.records import SectionPage
from core.usage.boards.records import Choices
from core.usage.reports import UsageParts, UsageReport
from pages.shell.frame import blank, page_head
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.boards import choice
from pages.widgets.boards.adoption import adoption
from pages.widgets.boards.capacity import capacity
from pages.widgets.boards.drill import drill
from pages.widgets.boards.overview import overview
from pages.widgets.boards.plots import offer_exports
from pages.widgets.boards.quality import quality
from pages.widgets.boards.speed import speed_board
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title
from pages.widgets.money.board import money
from pages.widgets.money.forms import prices_and_budgets
from pages.widgets.plugins.sections import plugin_sections
from pages.widgets.usage.change_marks import Mark, bounds, marks_of
from pages.widgets.usage.chart_cards import charts_by_day, satisfaction_by_model
from pages.widgets.usage.export_menu import export_menu
from pages.widgets.usage.filters import filters, group_name
from pages.widgets.usage.key_metrics import key_metrics
from pages.widgets.usage.tables import breakdown, by_person

if TYPE_CHECKING:
    from bootstrap.portal import Portal

AWAIT_S = 5.0
"""Seconds between two looks whether the first figures of the boards are there."""
_LOADED = "usage-loaded"
"""The session key that says that a report was shown: the old report then stays on screen until the next one is ready."""


def render(portal: Portal, user: User) -> None:
    try:
        choices = portal.boards.choices(user)
        models, groups = portal.usage.choices(user)
        if not models:
            blank(t("No answers yet"), t("This page counts people, answers, tokens and ratings once someone has asked a question."))
            return
        head = page_head(t("Usage"), key="usage")
        offer_exports(allows(user, Permission.EXPORT))
        board = choice.tab()
        if board == choice.REPORT:
            _report(portal, user, head, models, groups)
        elif choices.counted_until is None:
            part(_await_boards, every=AWAIT_S)(portal, user)
        else:
            _board(portal, user, board, choices)
    except PortalError as problem:
        blank(t("Usage is unavailable"), plain(error_text(problem)))


def _await_boards(portal: Portal, user: User) -> None:
    """Show that days are being added up, and draw the page anew once they are."""
    if portal.boards.choices(user).counted_until is not None:
        st.rerun()
    st.info(t("The boards are being added up. Their first figures are here in a few minutes; the report counts at once."))


def _board(portal: Portal, user: User, board: str, choices: Choices) -> None:
    query, zone = choice.query_of(choices), ZoneInfo(choices.zone)
    marks = marks_of(portal.swaps.markers(user, *bounds(query.first, query.last, zone)), zone)
    with st.container(key="boardbody", gap="small"):
        if board == choice.ADOPTION:
            adoption(portal.boards.adoption(user, query), marks)
        elif board == choice.QUALITY:
            quality(portal.boards.quality(user, query), marks)
        elif board == choice.SPEED:
            speed_board(portal.boards.speed(user, query), marks)
        elif board == choice.CAPACITY:
            capacity(portal.boards.capacity(user, query), choices.zone, marks)
        elif board == choice.MONEY:
            money(portal.money.board(user, query), marks)
            prices_and_budgets(portal, user, choices)
        else:
            overview(portal.boards.overview(user, query), marks)
            drill(portal, user, query, choices.zone)
        if choices.counted_until is not None:
            at = choices.counted_until.astimezone(zone).strftime("%H:%M")
            st.caption(t("Days of {zone}; counted until {time}. The numbers stay when chats are deleted.", zone=choices.zone, time=at))


def _report(portal: Portal, user: User, head: DeltaGenerator, models: Sequence[str], groups: Sequence[str]) -> None:
    query = filters(models, groups)
    below = st.container(key="usagebody", gap="small")
    with below:
        waiting = st.empty()
    if _LOADED not in st.session_state:
        with waiting.container(gap="small"):
            _blocks()
    report, parts = portal.usage.report(user, query), portal.usage.parts(user, query)
    marks = marks_of(portal.swaps.markers(user, *bounds(query.first, query.last)))
    waiting.empty()
    st.session_state[_LOADED] = True
    if allows(user, Permission.EXPORT):
        export_menu(head, portal, user, report)
    with below:
        _body(report, parts, marks)
        plugin_sections(portal, user, SectionPage.USAGE)


def _blocks() -> None:
    """Draw grey blocks of the report's height while it is computed."""
    st.html("<div class='blocks four'><i></i><i></i><i></i><i></i></div>")
    st.html("<div class='blocks two'><i></i><i></i><i></i><i></i></div>")
    st.html(f"<p class='visually-hidden' role='status'>{escape(t('Counting answers'))}</p>")


def _body(report: UsageReport, parts: UsageParts, marks: Sequence[Mark]) -> None:
    key_metrics(report)
    if report.total.answers == 0:
        with st.container(border=True, key="card-nothing"):
            card_title(t("No answers in this period"), t("Choose other days, another model or another group."))
        return
    with st.grid(2, min_column_width=340, gap="small", key="charts"):
        charts_by_day(report, parts, marks)
        satisfaction_by_model(report)
    groups_named = [(group_name(name), each) for name, each in report.by_group]
    breakdown("models", t("By model"), t("Whole period; p95: 1 answer in 20 takes longer"), t("Model"), report.by_model)
    breakdown("groups", t("By group"), t("The person's group at the time of asking"), t("Group"), groups_named)
    by_person(parts)
