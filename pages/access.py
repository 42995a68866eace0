"""Access (admin): who may do what, by role and group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from pages.shell import frame
from pages.shell.words import t
from pages.widgets.people.matrix import matrix
from pages.widgets.people.role_editor import role_editor
from pages.widgets.people.verdict import ask_verdict

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def render(portal: Portal, user: User) -> None:
    roles, groups, people = portal.roles.all(user), portal.groups.all(user), portal.accounts.people(user)
    frame.page_head(t("Access"), t("Who may do what, by role and by group."), key="access")
    matrix(roles, groups)
    left, right = st.columns([3, 2], gap="large")
    with left:
        role_editor(portal, user, roles)
    with right:
        ask_verdict(people)
