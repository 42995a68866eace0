"""The default model of each group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from pages.shell.live_part import callback
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def group_models(portal: Portal, user: User, names: Sequence[str]) -> None:
    """Draw a choice for each group. names: the models and presets to choose from."""
    chosen = portal.model_access.group_models(user)
    groups = sorted({*portal.model_access.groups(user), *chosen})
    with st.container(border=True, key="card-group-models", gap="xsmall"):
        card_title(t("Default models of groups"), t("A group's people use this model unless they choose another."))
        if not groups:
            st.caption(t("No one is in a group yet. Set groups on the People page."))
        for group in groups:
            current = chosen.get(group)
            options = list(dict.fromkeys([None, *names, *([current] if current else [])]))
            st.selectbox(
                plain(group), options, index=options.index(current), key=f"groupmodel-{group}",
                format_func=lambda name: t("The portal's default") if name is None else name,
                on_change=callback(_set), args=(portal, user, group),
            )  # fmt: skip


def _set(portal: Portal, user: User, group: str) -> None:
    try:
        portal.model_access.set_group_model(user, group, st.session_state[f"groupmodel-{group}"])
    except PortalError as problem:
        st.toast(plain(error_text(problem)), icon=":material/error:")
