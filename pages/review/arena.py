"""Arena: two models or presets answer a question, blind, and the person votes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.arena.records import VoteTask
from core.errors import NotFound, PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.arena.match import match_view
from pages.widgets.arena.words import task_word
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "arena"
_MATCH, _TASK, _QUESTION, _OFFERED = "arena-match", "arena-task", "arena-question", "arena-offered"
_SHOWN = 6
"""Questions that are offered at once."""


def render(portal: Portal, user: User) -> None:
    frame.page_head(t("Arena"), t("Two answers to one question. You see whose they are after your vote."), key="arena")
    match_id = st.session_state.get(_MATCH)
    if match_id is not None:
        try:
            match = portal.arena.get(user, match_id)
        except NotFound as problem:
            _forget()
            st.caption(plain(error_text(problem)))
        else:
            match_view(portal, user, match, _forget)
            return
    if not portal.arena.ready(user):
        why = t("You may use fewer than two models and presets here. An admin can load another model, or publish a preset.")
        action = t("Open Models") if allows(user, Permission.RUN_MODELS) else None
        if frame.blank(t("The Arena needs two models"), why, action, key="blank-arena"):
            frame.open_page("models")
        return
    _ask(portal, user)


def _forget() -> None:
    st.session_state.pop(_MATCH, None)


def _ask(portal: Portal, user: User) -> None:
    with st.container(key="arena-ask", gap="small"):
        task = st.pills(t("What is it about?"), list(VoteTask), format_func=task_word, key=_TASK)
        with st.form("arena-form", border=False, enter_to_submit=True):
            text = st.text_area(t("Your question"), key=_QUESTION, height=120, max_chars=portal.settings.max_question_chars)
            asked = st.form_submit_button(t("Ask both"), type="primary", shortcut="Mod+Enter")
        if asked:
            _start(portal, user, text, task)
        offered = portal.arena.offered(user)
        st.caption(t("Or take a question"))
        first = st.session_state.get(_OFFERED, 0) % max(1, len(offered))
        for number, question in enumerate([*offered[first:], *offered[:first]][:_SHOWN]):
            if st.button(plain(question[:200]), key=f"arena-take-{number}", type="tertiary", icon=":material/subdirectory_arrow_right:"):
                _start(portal, user, question, task)
        if len(offered) > _SHOWN:
            st.button(t("Other questions"), key="arena-more", type="tertiary", icon=":material/refresh:", on_click=_others)


def _others() -> None:
    st.session_state[_OFFERED] = st.session_state.get(_OFFERED, 0) + _SHOWN


def _start(portal: Portal, user: User, text: str, task: VoteTask | None) -> None:
    try:
        st.session_state[_MATCH] = portal.arena.start(user, text, task).id
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
    else:
        st.rerun()
