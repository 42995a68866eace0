"""Logs (admin): lines of this server's log, kinds of errors, and the lines of one turn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import NotFound, PortalError
from core.operations.logs.records import LogPage, LogQuery
from core.operations.logs.service import MOST_SHOWN
from core.people.records import User
from pages.shell import frame
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import count
from pages.widgets.logs.filters import PAGE, SHOWN, clear, narrow, narrowed, search
from pages.widgets.logs.kinds import draw_kinds
from pages.widgets.logs.lines import TURN, clock, draw_bars, draw_lines
from pages.widgets.logs.turn import draw_turn, turn_sentence

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "logs"
FOLLOW_S = 3.0


def render(portal: Portal, user: User) -> None:
    if wanted := st.query_params.get(TURN):
        _turn(portal, user, wanted)
        return
    st.session_state.setdefault(SHOWN, PAGE)
    about = t("What this server wrote. Lines name ids, never what people asked; secrets are masked.")
    with frame.page_head(t("Logs"), about, key="logs"):
        follow = st.toggle(t("Follow"), key="logs-follow", help=t("Shows new lines every few seconds"))
    part(_body, every=FOLLOW_S if follow else None)(portal, user)


def _body(portal: Portal, user: User) -> None:
    if st.session_state.pop("logs-clear", False):
        clear()
    query, grouped = search(datetime.now(UTC))
    area, person = narrowed()
    query = replace(query, area=area, user_id=person)
    try:
        if grouped:
            _errors(portal, user, query)
        else:
            _lines(portal, user, query)
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(error_text(problem))}]")


def _lines(portal: Portal, user: User, query: LogQuery) -> None:
    page = portal.logs.find(user, query, min(MOST_SHOWN, st.session_state[SHOWN]))
    narrow(page.areas, page.people)
    if not page.lines:
        _none(page)
        return
    with st.container(border=True, key="card-logs", gap="small"):
        words = t("Lines: {n} · warnings: {warnings} · errors: {errors}", n=count(page.total), warnings=count(page.warnings),
                  errors=count(page.errors))  # fmt: skip
        cut = (t("Only the newest lines were read. Choose a shorter period."),) if page.cut else ()
        st.caption(" · ".join((words, t("Times are UTC"), *cut)))
        draw_bars(page.bars, query.until)
        draw_lines(page.lines, clock, links=True)
        if page.total > len(page.lines) and len(page.lines) < MOST_SHOWN:
            st.button(t("Show older lines"), type="tertiary", key="logs-more", on_click=_more)


def _errors(portal: Portal, user: User, query: LogQuery) -> None:
    kinds = portal.logs.errors(user, query)
    if not kinds:
        frame.blank(t("No errors"), t("Nothing that matches the search and the filters failed in this period."), key="blank-logs")
        return
    with st.container(border=True, key="card-logkinds", gap="small"):
        total, new = sum(each.count for each in kinds), sum(each.is_new for each in kinds)
        st.caption(t("Errors: {n} · kinds: {kinds} · new: {new}", n=count(total), kinds=len(kinds), new=new))
        draw_kinds(kinds)


def _none(page: LogPage) -> None:
    if page.areas:
        why = t("There are lines in this period, but none matches the search and the filters.")
        if frame.blank(t("No lines match"), why, t("Clear the search and the filters"), key="blank-logs"):
            st.session_state["logs-clear"] = True
            st.rerun()
    else:
        frame.blank(t("No lines"), t("This server wrote nothing in this period. Choose a longer one."), key="blank-logs")


def _more() -> None:
    st.session_state[SHOWN] += PAGE


def _turn(portal: Portal, user: User, turn_id: str) -> None:
    if st.button(t("Logs"), icon=":material/arrow_back:", type="tertiary", key="logs-back"):
        st.query_params.pop(TURN, None)
        st.rerun()
    try:
        found = portal.logs.turn(user, turn_id)
    except NotFound as problem:
        frame.blank(t("There is nothing here"), plain(error_text(problem)), key="blank-logs")
        return
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
        return
    frame.page_head(t("Turn {id}", id=plain(turn_id[:8])), plain(turn_sentence(found)), key="logturn")
    draw_turn(found)
