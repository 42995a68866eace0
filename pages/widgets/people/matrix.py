"""Show the permissions of each role, and the features that groups withhold."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from core.access.groups import GroupInfo
from core.access.roles import RoleInfo
from core.people.permissions import FEATURES, Permission
from pages.shell.words import listed, t
from pages.widgets.people.words import permission_word, role_word

_YES, _NO = "check", "remove"


def matrix(roles: Sequence[RoleInfo], groups: Sequence[GroupInfo]) -> None:
    """Draw the table: a row for each permission, a column for each role, and the groups that withhold a feature."""
    heads = "".join(
        f"<th scope='col'>{_title(role)}<small>{escape(t('{n} people', n=role.people))}</small></th>" for role in roles
    )
    rows = "".join(_row(permission, roles, groups) for permission in Permission)
    head = f"<thead><tr><th scope='col'>{escape(t('Permission'))}</th>{heads}</tr></thead>"
    frame = f"<div class='matrix-scroll' tabindex='0' role='region' aria-label='{escape(t('Who may do what'))}'>"
    st.html(f"{frame}<table class='matrix'>{head}<tbody>{rows}</tbody></table></div>")


def _row(permission: Permission, roles: Sequence[RoleInfo], groups: Sequence[GroupInfo]) -> str:
    cells = "".join(_cell(permission in role.permissions) for role in roles)
    note = ""
    if permission in FEATURES:
        names = listed(each.group.name for each in groups if permission in each.group.withheld)
        note = f"<small>{escape(t('Not in {groups}', groups=names))}</small>" if names else ""
    return f"<tr><th scope='row'>{escape(permission_word(permission))}{note}</th>{cells}</tr>"


def _cell(yes: bool) -> str:
    icon, word = (_YES, t("Yes")) if yes else (_NO, t("No"))
    return f"<td class='{icon}'><span class='mark' aria-hidden='true'>{icon}</span><span class='visually-hidden'>{escape(word)}</span></td>"


def _title(role: RoleInfo) -> str:
    return escape(role_word(role.name) if role.built_in else role.name)
