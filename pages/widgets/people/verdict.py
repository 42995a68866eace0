"""Show whether a person may do something, and why."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.people.permissions import Permission, Verdict, verdict
from core.people.records import User
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.people.words import permission_word, role_word


def ask_verdict(people: Sequence[User]) -> None:
    """Draw the choice of person and permission, and the verdict."""
    st.markdown(f"### {t('May this person do it?')}", anchors=False)
    by_name = {each.name: each for each in people}
    with st.container(horizontal=True):
        name = st.selectbox(
            t("Person"), list(by_name), None, lambda each: f"{by_name[each].full_name} ({each})", placeholder=t("Choose a person"),
            key="verdict-person",
        )  # fmt: skip
        permission = st.selectbox(t("Permission"), list(Permission), 0, permission_word, key="verdict-permission")
    if name:
        _say(by_name[name], permission)


def _say(person: User, permission: Permission) -> None:
    role, group = role_word(person.role), plain(person.group)
    if not person.active:
        st.markdown(f":red[**{t('No')}**]  \n{t('The account is disabled.')}")
        return
    match verdict(person, permission):
        case Verdict.GRANTED:
            lines = [f":green[**{t('Yes')}**]", t("The role {role} grants it.", role=role)]
            if person.group:
                lines.append(t("The group {group} does not withhold it.", group=group))
        case Verdict.ROLE_LACKS:
            lines = [f":red[**{t('No')}**]", t("The role {role} does not grant it.", role=role), t("Another role would allow it.")]
        case Verdict.GROUP_WITHHOLDS:
            lines = [
                f":red[**{t('No')}**]", t("The role {role} grants it.", role=role), t("The group {group} withholds it.", group=group),
                t("It would be allowed if the group did not withhold it."),
            ]  # fmt: skip
    st.markdown("  \n".join(lines))
