"""Compare (admin): reports on two files of a model, and blind votes on their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.comparing.records import Comparison
from core.errors import PortalError
from core.people.records import User
from pages.shell import frame
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import ago
from pages.widgets.models.comparing.ballot import ballot_page
from pages.widgets.models.comparing.form import comparison_dialog
from pages.widgets.models.comparing.report import COMPARISON, VOTE, report_page, title_of

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "compare"
LIVE_S = 2.0


def render(portal: Portal, user: User) -> None:
    comparison_id = st.query_params.get(COMPARISON)
    if comparison_id is None:
        _list(portal, user)
        return
    try:
        comparison = portal.comparisons.get(user, comparison_id)
    except PortalError as problem:
        st.button(t("All comparisons"), icon=":material/arrow_back:", type="tertiary", key="compare-back", on_click=_leave)
        frame.blank(t("There is nothing here"), plain(error_text(problem)), key="blank-comparison")
        return
    if st.query_params.get(VOTE) and comparison.done:
        ballot_page(portal, user, comparison)
        return
    st.button(t("All comparisons"), icon=":material/arrow_back:", type="tertiary", key="compare-back", on_click=_leave)
    report_page(portal, user, comparison)


def _leave() -> None:
    st.query_params.pop(COMPARISON, None)
    st.query_params.pop(VOTE, None)


def _list(portal: Portal, user: User) -> None:
    found = portal.comparisons.list(user)
    with frame.page_head(t("Compare"), t("How much does a smaller file lose? Both read the same questions."), key="compare"):
        asked = bool(found) and st.button(t("New comparison"), icon=":material/add:", type="primary", key="compare-new")
    if not found:
        words = t("Choose two files of one model. A report on them runs beside the chats and takes some minutes.")
        asked = frame.blank(t("Nothing compared yet"), words, t("New comparison"), key="blank-compare")
    if asked:
        comparison_dialog(portal, user)
    if found:
        running = any(each.ended_at is None for each in found)
        part(_rows, every=LIVE_S if running else None)(portal, user, running)


def _rows(portal: Portal, user: User, running: bool) -> None:
    found = portal.comparisons.list(user)
    if running and all(each.ended_at is not None for each in found):
        st.rerun()
    with st.container(key="comparisons", gap=None):
        for each in found:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"comparison-{each.id}"):
                when = t("{n} questions, {age}", n=each.questions, age=ago(each.created_at))
                st.markdown(f"{plain(title_of(each))} {_badge(each)}  \n:small[:gray[{plain(when)}]]", width="stretch")
                st.button(t("Open"), type="tertiary", key=f"comparison-open-{each.id}", on_click=_open, args=(each.id,))


def _open(comparison_id: str) -> None:
    st.query_params[COMPARISON] = comparison_id


def _badge(each: Comparison) -> str:
    if each.ended_at is None:
        return f":blue-badge[:material/timelapse: {t('Running')}]"
    return "" if each.done else f":red-badge[:material/error: {t('Failed')}]"
