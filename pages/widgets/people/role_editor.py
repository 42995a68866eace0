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
                permissions = _choose(own, sorted(role.permissions, key=own.index) if role.permissions <= set(own) else [], role.name)
                saved = st.form_submit_button(t("Save"), type="primary")
            if saved:
                attempt(lambda name=role.name, chosen=permissions: portal.roles.change(user, name, chosen))  # type: ignore[misc]
            if st.button(t("Remove role"), icon=":material/delete:", key=f"role-remove-{role.name}", disabled=role.people > 0):
                attempt(lambda name=role.name: portal.roles.remove(user, name))  # type: ignore[misc]
    with st.form("role-add", border=False, clear_on_submit=True):
        name = st.text_input(t("New role"), max_chars=MAX_NAME, autocomplete="off")
        permissions = _choose(own, [Permission.CHAT, Permission.RATE, *sorted(FEATURES)], "+")
        sent = st.form_submit_button(t("Add role"))
    if sent:
        attempt(lambda: portal.roles.add(user, name, permissions))


def _choose(own: Sequence[Permission], chosen: Sequence[Permission], key: str) -> list[Permission]:
    default = [each for each in chosen if each in own]
    words = t("Choose permissions")
    return st.multiselect(t("Permissions"), own, default, permission_word, placeholder=words, key=f"role-permissions-{key}")
