"""The tab with memories: facts that models remember about the user, and facts that they propose to remember."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.chat.memory.records import MAX_MEMORY_LENGTH, Memory
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.common.outcome import carry_out, show_outcome
from pages.widgets.common.requests import carried_out, first_values

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "memory"
SHOWN = 100
"""Maximum number of facts drawn at once; the search finds the others."""
_EDITING, _DONE = "memory_editing", "memory_done"


def has_memories(portal: Portal, user: User) -> bool:
    """Tell whether this person has a tab with memories."""
    return allows(user, Permission.MEMORY) and portal.settings.memory != "off"


def memories(portal: Portal, user: User) -> None:
    """Draw what is remembered about this person, and what is proposed."""
    with st.container(gap="medium"):
        st.caption(t("Facts that models know about you in all your chats. Only you can read them here."))
        use = portal.memories.use(user)
        if use.available:
            _switch(portal, user, on=use.on)
        else:
            st.info(t("An admin has turned memory off for you. Remembered facts are not used; you can still delete them."))
        show_outcome(_DONE)
        proposed = portal.memories.proposed(user)
        if proposed and use.available:
            _proposals(portal, user, proposed)
        _remembered(portal, user, changeable=use.available, proposed=bool(proposed))


def _switch(portal: Portal, user: User, *, on: bool) -> None:
    wanted = st.toggle(t("Use memory in my chats"), on, key=f"memory-on-{on}")
    st.caption(t(
        "After a chat, the model proposes facts to remember. Nothing is used before you accept it. Temporary chats and programs "
        "never use it, and each chat can leave it out."
    ))  # fmt: skip
    if wanted != on:
        carry_out(lambda: _switched(portal, user, wanted), _DONE)


def _switched(portal: Portal, user: User, on: bool) -> str:
    portal.memories.set_use(user, on)
    return t("Your chats use memory now.") if on else t("Your chats no longer use memory. What is remembered stays until you delete it.")


def _proposals(portal: Portal, user: User, proposed: Sequence[Memory]) -> None:
    with st.container(border=True, key="card-memory-proposed", gap="small"):
        st.markdown(f"### {t('Proposed')}", anchors=False)
        st.caption(t("Not used until you accept it."))
        for each in proposed:
            if st.session_state.get(_EDITING) == each.id:
                _editor(each, t("Accept"), lambda text, each=each: _accepted(portal, user, each.id, text))  # type: ignore[misc]
                continue
            with _row(each):
                if st.button(t("Accept"), key=f"memory-accept-{each.id}"):
                    carry_out(lambda each=each: _accepted(portal, user, each.id, None), _DONE)  # type: ignore[misc]
                st.button(t("Edit"), key=f"memory-edit-{each.id}", on_click=_edit, args=(each.id,))
                if st.button(t("Dismiss"), key=f"memory-dismiss-{each.id}", type="tertiary"):
                    carry_out(lambda each=each: _dismissed(portal, user, each.id), _DONE)  # type: ignore[misc]


def _remembered(portal: Portal, user: User, *, changeable: bool, proposed: bool) -> None:
    everything = portal.memories.accepted(user)
    with st.container(horizontal=True, vertical_alignment="center", key="memory-head"):
        st.markdown(f"### {t('Remembered')}", anchors=False, width="stretch")
        if changeable:
            with st.popover(t("Add a fact"), icon=":material/add:", key="memory-add"):
                _adding(portal, user)
    words = ""
    if everything:
        words = st.text_input(
            t("Search memories"), type="search", live=True, placeholder=t("Search memories"), label_visibility="collapsed",
            key="memory-search",
        )  # fmt: skip
    found = portal.memories.accepted(user, words) if words else everything
    with st.container(gap=None, key="memory-list"):
        for each in found[:SHOWN]:
            if st.session_state.get(_EDITING) == each.id and changeable:
                _editor(each, t("Save"), lambda text, each=each: _changed(portal, user, each.id, text))  # type: ignore[misc]
                continue
            with _row(each):
                if changeable:
                    st.button(t("Edit"), key=f"memory-edit-{each.id}", type="tertiary", on_click=_edit, args=(each.id,))
                if st.button(t("Delete"), key=f"memory-delete-{each.id}", type="tertiary"):
                    carry_out(lambda each=each: _removed(portal, user, each.id), _DONE)  # type: ignore[misc]
    if not everything:
        st.caption(t("Nothing is remembered yet. Add a fact, or accept what a model proposes after a chat."))
    elif not found:
        st.caption(t("No fact has these words."))
    elif len(found) > SHOWN:
        st.caption(t("{shown} of {n} shown. Search to find the others.", shown=SHOWN, n=len(found)))
    if everything or proposed:
        _whole(portal, user)


def _adding(portal: Portal, user: User) -> None:
    first_values("memory-new", {"memory-fact": ""})
    with st.form("memory-new", border=False):
        text = st.text_input(
            t("Fact"), max_chars=MAX_MEMORY_LENGTH, placeholder=t("For example: The user works on bond prices."), autocomplete="off",
            key="memory-fact",
        )  # fmt: skip
        sent = st.form_submit_button(t("Remember"), type="primary")
    if sent:
        carry_out(lambda: _added(portal, user, text), _DONE)


def _whole(portal: Portal, user: User) -> None:
    """Draw the buttons that export or delete all memories."""
    with st.container(horizontal=True, gap="small", key="memory-whole"):
        if allows(user, Permission.EXPORT):
            st.download_button(
                t("Export as JSON"), lambda: portal.memories.export(user), "memories.json", "application/json",
                icon=":material/download:", on_click="ignore", key="memory-export",
            )  # fmt: skip
        with st.popover(t("Delete everything"), icon=":material/delete:", type="tertiary", key="memory-clear"):
            st.markdown(t("Everything that is remembered, proposed or dismissed is deleted. This cannot be undone."))
            if st.button(t("Delete everything now"), key="memory-clear-now"):
                carry_out(lambda: _cleared(portal, user), _DONE)


def _row(memory: Memory) -> DeltaGenerator:
    """Draw a fact; return the container for its actions."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"memrow-{memory.id}", gap="xsmall"):
        st.markdown(f"{plain(memory.text)}  \n:small[:gray[{memory.updated_at:%Y-%m-%d}]]", width="stretch")
        return st.container(horizontal=True, horizontal_alignment="right", width="content", gap="xsmall")


def _editor(memory: Memory, label: str, save: Callable[[str], str]) -> None:
    with st.form(f"memory-form-{memory.id}", border=False):
        text = st.text_input(t("Fact"), memory.text, max_chars=MAX_MEMORY_LENGTH, label_visibility="collapsed", autocomplete="off")
        with st.container(horizontal=True, gap="xsmall"):
            saved = st.form_submit_button(label, type="primary")
            cancelled = st.form_submit_button(t("Cancel"))
    if saved:
        carry_out(lambda: save(text), _DONE)
    elif cancelled:
        _edit(None)
        st.rerun()


def _edit(memory_id: str | None) -> None:
    st.session_state[_EDITING] = memory_id


def _accepted(portal: Portal, user: User, memory_id: str, text: str | None) -> str:
    portal.memories.accept(user, memory_id, text)
    _edit(None)
    return t("It is remembered now.")


def _dismissed(portal: Portal, user: User, memory_id: str) -> str:
    portal.memories.dismiss(user, memory_id)
    return t("It will not be proposed again.")


def _added(portal: Portal, user: User, text: str) -> str:
    kept = portal.memories.add(user, text).text
    carried_out("memory-new")
    return t("It is remembered now.") if kept == " ".join(text.split()) else t("Personal data was masked before it was saved.")


def _changed(portal: Portal, user: User, memory_id: str, text: str) -> str:
    portal.memories.edit(user, memory_id, text)
    _edit(None)
    return t("The fact was changed.")


def _removed(portal: Portal, user: User, memory_id: str) -> str:
    portal.memories.remove(user, memory_id)
    return t("The fact was deleted.")


def _cleared(portal: Portal, user: User) -> str:
    count = portal.memories.clear(user)
    return t("{n} entries were deleted.", n=count)
