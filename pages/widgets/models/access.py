"""Access to a model or preset: one line that describes it, and the dialog that changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.inference.offers import AccessRule
from core.people.records import User
from pages.shell.live_part import dialog
from pages.shell.words import error_text, listed, t
from pages.widgets.chat.message import plain
from pages.widgets.people.words import role_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def access_line(rule: AccessRule | None) -> str:
    """Return who may use a model or preset, on one line."""
    if rule is None:
        return t("Everyone may use it.")
    who = [role_word(role) for role in sorted(rule.roles)] + [plain(group) for group in sorted(rule.groups)]
    return t("Only for: {who}", who=listed(who))


def access_dialog(portal: Portal, user: User, model: str) -> None:
    """Open the dialog that sets which roles and groups may use the model."""
    rule = portal.model_access.rules(user).get(model) or AccessRule(model)
    all_roles = list(dict.fromkeys([*portal.model_access.roles(user), *sorted(rule.roles)]))
    known = sorted({*portal.model_access.groups(user), *rule.groups})

    @dialog(t("Who may use {name}?", name=plain(model)))
    def ask() -> None:
        st.markdown(t("People need one of these roles or groups. With neither, everyone may use it. Those who run the models always may."))
        roles = st.pills(
            t("Roles"), all_roles, selection_mode="multi", default=sorted(rule.roles), format_func=role_word, key=f"access-roles-{model}",
        )  # fmt: skip
        groups = st.multiselect(
            t("Groups"), known, default=sorted(rule.groups), key=f"access-groups-{model}", placeholder=t("Choose groups"),
        )
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            if st.button(t("Cancel"), key="access-no"):
                st.rerun()
            if st.button(t("Save"), type="primary", key="access-yes"):
                try:
                    portal.model_access.restrict(user, model, roles, groups)
                except PortalError as problem:
                    st.error(plain(error_text(problem)), icon=":material/error:")
                else:
                    st.rerun()

    ask()
