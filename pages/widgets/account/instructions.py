"""Edit the instructions that apply to every chat of a person or of a group."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.access.groups import GroupInfo
from core.chat.context.records import MAX_INSTRUCTIONS_LENGTH
from core.errors import PortalError
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.context.applied import lines

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def own_instructions(portal: Portal, user: User) -> None:
    """Draw the person's own instructions."""
    st.markdown(f"### {t('Instructions')}", anchors=False)
    meaning = "What the models should know about you and how they should answer. It applies to all your chats; each chat can leave it out."
    st.caption(t(meaning))
    for each in portal.instructions.applying(user):
        if each.subject != user.id:
            with st.expander(t("{group} has instructions too", group=plain(each.subject)), type="compact"):
                st.markdown(lines(each.text))
    _editor("own", portal.instructions.own(user), lambda text: portal.instructions.set_own(user, text))


def group_instructions(portal: Portal, user: User, info: GroupInfo) -> None:
    """Draw the instructions of a group, for its managers and for admins."""
    group = info.group
    st.markdown(f"#### {t('Instructions')}", anchors=False)
    st.caption(t("They apply to the chats of all members, before the members' own instructions. Members can read them."))
    _editor(group.id, portal.instructions.of_group(user, group.id), lambda text: portal.instructions.set_for_group(user, group.id, text))


def _editor(key: str, stored: str, save: Callable[[str], str]) -> None:
    text = st.text_area(
        t("Instructions"), stored, key=f"instructions-{key}", max_chars=MAX_INSTRUCTIONS_LENGTH, label_visibility="collapsed",
        placeholder=t("For example: Answer in short paragraphs. I work with bond prices."), height=140,
    )  # fmt: skip
    if st.button(t("Save instructions"), key=f"instructions-save-{key}", disabled=(text or "").strip() == stored):
        try:
            kept = save(text or "")
        except PortalError as problem:
            st.error(plain(error_text(problem)), icon=":material/error:")
            return
        if kept != (text or "").strip():
            st.warning(t("Personal data was masked before it was saved."), icon=":material/shield_lock:")
            return
        st.toast(t("Instructions saved"), icon=":material/check:")
        st.rerun()
