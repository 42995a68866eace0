"""Which tools the model may use in this chat. Drawn only where there are any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.chat.tools.records import ChatTool
from core.errors import PortalError
from core.people.records import User
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.common.requests import queue_action

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_OFF = "chat_tools_off"
"""The session key of the tools that are off in the next new chat, or in the temporary chat."""


def tools_off() -> tuple[str, ...]:
    """Return the tools that are off in the next new chat, or in the temporary chat."""
    return tuple(st.session_state.get(_OFF, ()))


def began() -> None:
    """Forget the choice for an empty chat that has begun: the next chat starts with all tools."""
    st.session_state.pop(_OFF, None)


def tools_menu(portal: Portal, user: User, conversation_id: str | None, model: str | None) -> None:
    """Draw the menu. conversation_id: None before the first question of a chat, and in a temporary chat."""
    try:
        found = portal.chat_tools.list(user, conversation_id, model)
    except PortalError:
        return
    if not found:
        return
    off = {each.name for each in found if not each.on} if conversation_id else set(tools_off())
    on = sum(each.name not in off for each in found)
    words = t("Tools") if on == len(found) else t("{n} of {all} tools", n=on, all=len(found))
    with st.container(key="toolsmenu", width="content"):
        box = st.popover(words, icon=":material/build:", type="tertiary", help=t("What the model may use to answer"))
    with box:
        for each in found:
            with st.container(key=f"toolrow-{each.name}", gap=None):
                _switch(each, conversation_id or "", on=each.name not in off)
        st.caption(t("The model decides when to use one. What it asked and read is shown with the answer."))


def _switch(tool: ChatTool, conversation_id: str, *, on: bool) -> None:
    """Draw the switch of a tool, and whether it asks first. What is stored counts, not what the browser remembers."""
    key = f"tool-{conversation_id or 'new'}-{tool.name}"

    def change() -> None:
        queue_action("switch tool", conversation=conversation_id, name=tool.name, on=bool(st.session_state[key]))

    st.session_state[key] = on
    st.toggle(plain(t(tool.title)), key=key, on_change=change)
    if tool.allowed:
        with st.container(key=f"toolasks-{tool.name}", horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.caption(t("Allowed in this chat"), width="content")
            fields = {"conversation": conversation_id, "name": tool.name}
            st.button(
                t("Ask again"), key=f"asksagain-{tool.name}", type="tertiary", on_click=queue_action, args=("tool asks",), kwargs=fields
            )  # fmt: skip
    elif tool.asks:
        st.caption(t("Asks you before each call"))


def carry_out(portal: Portal, user: User, asked: Mapping[str, Any]) -> None:
    """Switch a tool on or off, or have it ask again. Raises PortalError."""
    here, name = asked["conversation"], asked["name"]
    if asked["kind"] == "tool asks":
        allowed = portal.conversations.get(user, here).tools_allowed
        portal.chat_tools.allow(user, here, [each for each in allowed if each != name])
        return
    off = set(portal.conversations.get(user, here).tools_off if here else tools_off())
    off = off - {name} if asked["on"] else off | {name}
    if here:
        portal.chat_tools.switch_off(user, here, sorted(off))
    else:
        st.session_state[_OFF] = sorted(off)
