"""The banner that tells admins about models that could not be loaded at startup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

MODELS = "models"


def start_problems(portal: Portal, user: User, *, here: bool) -> None:
    """Draw the banner for people who may run models if a model was not loaded. here: on the Models page, where each can be left out."""
    if not allows(user, Permission.RUN_MODELS):
        return
    problems = portal.models.start_problems(user)
    if not problems:
        return
    with st.container(border=True, key="startproblems", gap="xsmall"):
        for problem in problems:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                reason = plain(error_text(problem.reason))
                st.markdown(
                    f":red[:material/error:] **{t('{name} was not loaded at startup', name=plain(problem.name))}**  \n:gray[{reason}]",
                    width="stretch",
                )
                if here:
                    _leave_out(portal, user, problem.name)
                elif st.button(t("Open Models"), type="tertiary", key=f"startproblem-{problem.name}"):
                    frame.open_page(MODELS)


def _leave_out(portal: Portal, user: User, name: str) -> None:
    if st.button(t("Do not load it"), type="tertiary", key=f"leaveout-{name}", help=t("It will not be loaded at the next start either.")):
        try:
            portal.models.unload(user, name)
        except PortalError as problem:
            st.toast(plain(error_text(problem)), icon=":material/error:")
        else:
            st.rerun()
