"""The groups tab of the People page: members, managers and withheld features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.access.groups import MAX_NAME, GroupInfo
from core.people.permissions import FEATURES
from core.people.records import User
from pages.shell import frame
from pages.shell.words import listed, t
from pages.widgets.account.instructions import group_instructions
from pages.widgets.chat.message import plain
from pages.widgets.common.requests import first_values
from pages.widgets.people.group_members import attempt, members
from pages.widgets.people.words import permission_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_CHOSEN = "groups_chosen"


def group_list(portal: Portal, user: User, people: Sequence[User]) -> None:
    """Draw the list of groups and the chosen group."""
    groups = portal.groups.all(user)
    chosen = next((each for each in groups if each.group.id == st.session_state.get(_CHOSEN)), None)
    frame.one_pane(".st-key-group-list" if chosen else "", ".st-key-people-back")
    left, right = st.columns([2, 3], gap="large")
    with left:
        first_values("group-add", {"group-name": ""})
        with st.form("group-add", border=False):
            with st.container(horizontal=True, vertical_alignment="bottom"):
                name = st.text_input(t("New group"), max_chars=MAX_NAME, autocomplete="off", key="group-name")
                sent = st.form_submit_button(t("Add"))
        if sent and name.strip():
            attempt(lambda: _choose(portal.groups.add(user, name).id), form="group-add")
        with st.container(key="group-list", gap=None):
            for each in groups:
                label = f"{plain(each.group.name)}  \n:small[:gray[{_facts(each)}]]"
                id = each.group.id
                st.button(label, key=f"rrow-{id}", type="tertiary", width="stretch", wrap=True, on_click=_choose, args=(id,))
        frame.selected("rrow", chosen.group.id if chosen else "", {each.group.id for each in groups})
        if not groups:
            st.caption(t("There are no groups yet. Add one above, or name one when you add a person."))
    with right:
        st.button(t("All groups"), icon=":material/arrow_back:", type="tertiary", key="people-back", on_click=_choose, args=(None,))
        if chosen is None:
            if groups:
                st.caption(t("Choose a group to change its members, managers or features."))
        else:
            _group(portal, user, chosen, people)


def _choose(group_id: str | None) -> None:
    st.session_state[_CHOSEN] = group_id


def _facts(info: GroupInfo) -> str:
    facts = [t("{n} members", n=len(info.members))]
    if info.group.managers:
        facts.append(t("managed by {names}", names=plain(listed(info.group.managers))))
    if info.group.withheld:
        facts.append(t("may not: {features}", features=listed(permission_word(each).lower() for each in sorted(info.group.withheld))))
    return " · ".join(facts)


def _group(portal: Portal, user: User, info: GroupInfo, people: Sequence[User]) -> None:
    group = info.group
    names = {each.name: each.full_name for each in people}
    with st.container(border=True, key="card-group"):
        st.markdown(f"### {plain(group.name)}", anchors=False)
        with st.form(f"group-{group.id}", border=False):
            name = st.text_input(t("Name"), value=group.name, max_chars=MAX_NAME, autocomplete="off")
            managers = st.multiselect(
                t("Managers"), list(names), [each for each in group.managers if each in names], lambda each: f"{names[each]} ({each})",
                help=t("They add and remove members on their Account page."), placeholder=t("No managers"), key=f"managers-{group.id}",
            )  # fmt: skip
            withheld = st.multiselect(
                t("Members may not"), sorted(FEATURES), sorted(group.withheld), permission_word,
                help=t("Withheld from every member, whatever the role grants."), placeholder=t("Nothing is withheld"),
                key=f"withheld-{group.id}",
            )  # fmt: skip
            shares = group.shares_results
            if portal.settings.result_cache_mb or shares:
                shares = st.checkbox(
                    t("Members share cached answers"), shares, key=f"shares-{group.id}",
                    help=t("The same deterministic request of another member is answered from the result cache."),
                )  # fmt: skip
            improves = st.checkbox(
                t("Chats of members may be used to improve models"), group.improves_models, key=f"improves-{group.id}",
                help=t("Only answers that they rated get into datasets. Each member can refuse on the Account page."),
            )  # fmt: skip
            saved = st.form_submit_button(t("Save"), type="primary")
        if saved:
            attempt(lambda: portal.groups.change(
                user, group.id, name=name, managers=managers, withheld=withheld, shares_results=shares, improves_models=improves
            ))  # fmt: skip
        members(portal, user, info, people)
        group_instructions(portal, user, info)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(t("Only an empty group can be removed. Usage keeps its name."))
            if st.button(t("Remove group"), icon=":material/delete:", key=f"remove-{group.id}", disabled=bool(info.members)):
                attempt(lambda: portal.groups.remove(user, group.id))
