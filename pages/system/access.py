"""Access (admin): permissions by role and group, limits, and privacy policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from pages.shell import frame
from pages.shell.words import t
from pages.widgets.people.limits import limit_list
from pages.widgets.people.matrix import matrix
from pages.widgets.people.privacy import privacy_list
from pages.widgets.people.role_editor import role_editor
from pages.widgets.people.verdict import ask_verdict

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_VIEWS = {"roles": "Roles", "limits": "Limits", "privacy": "Personal data"}


def render(portal: Portal, user: User) -> None:
    groups, people = portal.groups.all(user), portal.accounts.people(user)
    frame.page_head(t("Access"), t("Who may do what, by role and by group, and how much."), key="access")
    view = st.segmented_control(
        t("View"), list(_VIEWS), default="roles", format_func=lambda name: t(_VIEWS[name]), key="access-view",
        label_visibility="collapsed", required=True,
    )  # fmt: skip
    if view == "limits":
        with st.container(width=760):
            limit_list(portal, user, people, groups)
        return
    if view == "privacy":
        with st.container(width=760):
            privacy_list(portal, user, groups)
        return
    roles = portal.roles.all(user)
    matrix(roles, groups)
    left, right = st.columns([3, 2], gap="large")
    with left:
        role_editor(portal, user, roles)
    with right:
        ask_verdict(people)
