"""Make, change and remove custom roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.access.roles import MAX_NAME, RoleInfo
from core.people.permissions import FEATURES, Permission, granted
from core.people.records import User
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.common.requests import first_values
from pages.widgets.people.group_members import attempt
from pages.widgets.people.words import permission_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def role_editor(portal: Portal, user: User, roles: Sequence[RoleInfo]) -> None:
    """Draw the custom roles and the form for a new one."""
    own = [permission for permission in Permission if permission in granted(user)]
    custom = {role.name: role for role in roles if not role.built_in}
    st.markdown(f"### {t('Custom roles')}", anchors=False)
    st.caption(t("Made from the same permissions. You can give only rights that you have yourself; a change acts at once."))
    for role in custom.values():
        with st.expander(plain(role.name), key=f"role-{role.name}"):
            with st.form(f"role-form-{role.name}", border=False):
                held = sorted(role.permissions, key=own.index) if role.permissions <= set(own) else []
                permissions = _choose(own, role.name, held)
                saved = st.form_submit_button(t("Save"), type="primary")
            if saved:
                attempt(lambda name=role.name, chosen=permissions: portal.roles.change(user, name, chosen))  # type: ignore[misc]
            if st.button(t("Remove role"), icon=":material/delete:", key=f"role-remove-{role.name}", disabled=role.people > 0):
                attempt(lambda name=role.name: portal.roles.remove(user, name))  # type: ignore[misc]
    usual = [each for each in (Permission.CHAT, Permission.RATE, *sorted(FEATURES)) if each in own]
    first_values("role-add", {"role-name": "", _key("+"): usual})
    with st.form("role-add", border=False):
        name = st.text_input(t("New role"), max_chars=MAX_NAME, autocomplete="off", key="role-name")
        permissions = _choose(own, "+")
        sent = st.form_submit_button(t("Add role"))
    if sent:
        attempt(lambda: portal.roles.add(user, name, permissions), form="role-add")


def _key(role: str) -> str:
    return f"role-permissions-{role}"


def _choose(own: Sequence[Permission], role: str, held: Sequence[Permission] | None = None) -> list[Permission]:
    words = t("Choose permissions")
    return st.multiselect(t("Permissions"), own, held, permission_word, placeholder=words, key=_key(role))
