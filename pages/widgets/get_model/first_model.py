"""The hint for admins while only the built-in guide is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.models.records import ModelKind
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell import frame
from pages.shell.words import t

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def first_model(portal: Portal, user: User) -> None:
    """Offer admins to get a model; draw nothing for others, or if another chat model is loaded."""
    if not allows(user, Permission.RUN_MODELS):
        return
    chats = [model for model in portal.gateway.served() if model.kind is ModelKind.CHAT]
    if not chats or any(not model.guide for model in chats):
        return
    with st.container(border=True, key="card-first-model", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(t("The built-in guide answers questions about the portal. Get a GLM for everything else."), width="stretch")
        if st.button(t("Get a model"), icon=":material/download:", key="first-model"):
            frame.open_page("get_model")
