"""Show a group's members; add and remove them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.access.groups import GroupInfo
from core.errors import PortalError
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.requests import carried_out, first_values
from pages.widgets.people.words import role_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def members(portal: Portal, user: User, info: GroupInfo, candidates: Sequence[User] | None) -> None:
    """Draw the list. candidates: the people to choose from; with None, the user types a name."""
    group = info.group
    st.markdown(f"#### {t('Members')}", anchors=False)
    if not info.members:
        st.caption(t("No members yet."))
    for each in info.members:
        with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small", key=f"member-{group.id}-{each.id}"):
            st.markdown(f"{plain(each.full_name)}  \n:small[:gray[{plain(each.name)} · {role_word(each.role)}]]", width="stretch")
            own = each.id == user.id and candidates is None
            if st.button(t("Remove"), type="tertiary", key=f"leave-{group.id}-{each.id}", disabled=own):
                attempt(lambda name=each.name: portal.groups.remove_member(user, group.id, name))  # type: ignore[misc]
    form, joiner = f"join-{group.id}", f"joiner-{group.id}"
    first_values(form, {joiner: "" if candidates is None else None})
    with st.form(form, border=False):
        if candidates is None:
            name = st.text_input(t("User name"), max_chars=64, help=t("Someone who is in no group yet."), autocomplete="off", key=joiner)
        else:
            others = {each.name: each for each in candidates if each.group != group.name}
            name = st.selectbox(
                t("Person"), list(others), None, lambda each: _named(others[each]), placeholder=t("Choose a person"), key=joiner
            ) or ""
        sent = st.form_submit_button(t("Add to the group"))
    if sent and name:
        attempt(lambda: portal.groups.put_member(user, group.id, name), form=form)


def attempt(action: Callable[[], object], *, form: str = "") -> None:
    """Run the action and redraw the page; show a refusal next to the control. form: a form to empty afterwards."""
    try:
        action()
        carried_out(form)
    except PortalError as problem:
        st.error(plain(error_text(problem)), icon=":material/error:")
        return
    st.rerun()


def _named(person: User) -> str:
    return f"{person.full_name} ({person.name})" + (f" · {person.group}" if person.group else "")
