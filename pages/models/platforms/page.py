"""Platforms (admin): the state of each model server, the route of a question, and the configuration with its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.platforms.records import LOCAL, PlatformState
from pages.models.platforms.card import platform_card, routes_card
from pages.models.platforms.configuration import editor, history
from pages.models.platforms.embeddings_card import embeddings_card
from pages.models.platforms.route_box import route_box
from pages.shell import frame
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

VIEW = "platforms_view"
OVERVIEW, EDIT, HISTORY = "overview", "edit", "history"
EVERY_S = 3.0
COLUMNS = 2


def render(portal: Portal, user: User) -> None:
    view = st.session_state.get(VIEW, OVERVIEW)
    state = portal.platforms.state(user)
    about = t("Model servers that answer questions, and the routes between them and the models of this portal.")
    with frame.page_head(t("Platforms"), about, key="platforms"):
        if view == OVERVIEW:
            st.button(t("History"), icon=":material/history:", key="platforms-history", on_click=show, args=(HISTORY,))
            st.button(t("Edit configuration"), icon=":material/edit:", key="platforms-edit", on_click=show, args=(EDIT,))
        else:
            st.button(t("All platforms"), icon=":material/arrow_back:", key="platforms-back", on_click=show, args=(OVERVIEW,))
    if state.problem is not None:
        words = t("The file on disk is not used. The configuration before it is still in use.")
        st.error(f"{words}  \n{plain(error_text(state.problem))}", icon=":material/error:")
    if view == EDIT:
        editor(portal, user, state)
    elif view == HISTORY:
        history(portal, user, state)
    else:
        _overview(portal, user)


def show(view: str) -> None:
    """Show this view at the next run."""
    st.session_state[VIEW] = view


def _overview(portal: Portal, user: User) -> None:
    left, right = st.columns([2, 1], gap="large")

    def watch() -> None:
        states = portal.platform_monitor.states(user)
        _cards(portal, user, states)
        routes_card(portal.platforms.config, states)

    with left:
        part(watch, every=EVERY_S)()
    with right:
        route_box(portal, user)
        embeddings_card(portal, user)


def _cards(portal: Portal, user: User, states: list[PlatformState]) -> None:
    if all(each.name == LOCAL for each in states):
        with st.container(key="platforms-none", gap="xsmall"):
            st.markdown(f"## {t('Only this portal answers so far')}", anchors=False)
            words = "Other model servers can answer too: vLLM, SGLang, llama-server, Ollama, Xinference, gateways, or another portal."
            st.caption(t(words))
    for start in range(0, len(states), COLUMNS):
        columns = st.columns(COLUMNS, gap="medium")
        for column, state in zip(columns, states[start : start + COLUMNS], strict=False):
            with column:
                platform_card(portal, user, state)
