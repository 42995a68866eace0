"""Read the path that a browser asked for, and say why there is no page for this person.

For an unknown path Streamlit would open a dialog of its own, in English only.
"""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from core.people.permissions import ROLES, Permission
from core.people.records import Role, User
from pages.shell import frame
from pages.shell.words import listed, t
from pages.widgets.people.words import role_word

_REQUESTED = "requested_path"
_ROLES_NAMED: dict[str, str] = {Role.ANALYST: "analysts", Role.REVIEWER: "reviewers", Role.MANAGER: "managers", Role.ADMIN: "admins"}


def requested_path() -> str:
    """Return the path with which this tab was opened; "" for the start page, and for a name that no page can have."""
    context = get_script_run_ctx()
    # The browser sends the name once. At reruns it sends the hash of the page that it shows.
    if context and (name := context.pages_manager.intended_page_name):
        st.session_state[_REQUESTED] = name if name.strip() == name and "/" not in name else ""
    path: str = st.session_state.get(_REQUESTED, "")
    return path


def nothing_here() -> None:
    """Say that the address names no page."""
    why = t("This address names no page of the portal. Check the address, or go on from the chat.")
    if frame.blank(t("There is nothing here"), why, t("Back to chat"), key="blank-page"):
        frame.open_page(frame.START)


def not_here(title: str) -> None:
    """Say that the page is on another server."""
    why = t("This server has no page {page}. Ask an admin for the address of the server that has it.", page=title)
    if frame.blank(t("This page is on another server"), why, t("Back to chat")):
        frame.open_page(frame.START)


def no_rights(title: str, permission: Permission, user: User) -> None:
    """Say which roles may open the page."""
    *others, last = [t(_ROLES_NAMED[role]) for role, permissions in ROLES.items() if permission in permissions]
    roles = t("{others} and {last}", others=listed(others), last=last) if others else last
    role = role_word(user.role)
    why = t("Only {roles} can open this page; your role is {role}. An admin can change it on the People page.", roles=roles, role=role)
    if frame.blank(t("You cannot open {page}", page=title), why, t("Back to chat")):
        frame.open_page(frame.START)
