"""Who is affected if a model is unloaded: shown in the memory plan, and before an unload."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.models.memory_records import Eviction, MemoryPlan
from core.models.records import LoadedModel
from core.people.records import User
from pages.shell.live_part import dialog
from pages.shell.words import error_text, listed, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import size

if TYPE_CHECKING:
    from bootstrap.portal import Portal

UNLOAD = "models-unload"
"""The session key that opens the confirmation of an unload."""
MAX_GROUPS = 5


def noticed(one: Eviction) -> bool:
    """Tell whether unloading the model would affect anyone."""
    return bool(one.people or one.default or one.groups)


def who_notices(one: Eviction) -> str:
    """Return sentences about the current use of a model."""
    words = []
    if one.running:
        words.append(t("{n} answers are running there.", n=one.running))
    if one.waiting:
        words.append(t("{n} questions are queued there.", n=one.waiting))
    if not one.people:
        words.append(t("Nobody is waiting for it now."))
    if one.default:
        words.append(t("New chats use it."))
    if one.groups:
        named = listed(map(plain, one.groups[:MAX_GROUPS]))
        more = len(one.groups) - MAX_GROUPS
        words.append(
            t("It is the default of {groups} and {n} more groups.", groups=named, n=more) if more > 0
            else t("It is the default of {groups}.", groups=named)
        )  # fmt: skip
    return " ".join(words)


def evictions_card(portal: Portal, user: User, plan: MemoryPlan) -> None:
    """Draw, for a plan that does not fit, the models that would free enough memory, who uses them, and a button for each."""
    found = portal.models.evictions(user, plan)
    if not found:
        return
    st.markdown(t("It fits if you unload:"))
    for one in found:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"evict-{one.model}"):
            line = f"{plain(one.model)} :gray[{t('frees {size}', size=size(one.frees_bytes))}]"
            st.markdown(f"{line}  \n:small[:gray[{who_notices(one)}]]", width="stretch")
            if st.button(t("Unload"), type="tertiary", key=f"evict-button-{one.model}"):
                st.session_state[UNLOAD] = one.model
                st.rerun()


def confirm_unload(portal: Portal, user: User, model: LoadedModel) -> None:
    """Ask before a model is unloaded, and say who uses it."""
    one = portal.models.eviction(user, model.name)

    @dialog(t("Unload {name}?", name=plain(model.name)))
    def ask() -> None:
        st.markdown(who_notices(one))
        if one.people:
            st.markdown(t("Running answers have 30 s to finish; then the rest are stopped."))
        if model.default:
            st.markdown(t("This is the default model. New chats will use another loaded model; if there is none, nobody can ask."))
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall", key="danger-unload"):
            if st.button(t("Cancel"), key="unload-no"):
                st.rerun()
            if st.button(t("Unload"), type="primary", key="unload-yes"):
                do(lambda: portal.models.unload(user, model.name))

    ask()


def do(action: Callable[[], object]) -> None:
    """Run the action and redraw the page; show the error if it fails."""
    try:
        action()
    except PortalError as problem:
        st.toast(plain(error_text(problem)), icon=":material/error:")
    else:
        st.rerun()
