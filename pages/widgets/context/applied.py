"""Show in a small line which instructions apply to the open chat and whether it uses memory; let the user switch both off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.chat.context.records import Holder, Instructions
from core.chat.records import Conversation
from core.people.records import User
from pages.shell.words import t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_WANTED = "chat_wants_instructions"
"""The session key that says whether a new chat or the temporary chat uses instructions."""
_MEMORY = "chat_wants_memory"
"""The session key that says whether a new chat uses memory."""


def wanted() -> bool:
    """Tell whether the next new chat, or the temporary chat, uses instructions."""
    return bool(st.session_state.get(_WANTED, True))


def wants_memory() -> bool:
    """Tell whether the next new chat uses memory."""
    return bool(st.session_state.get(_MEMORY, True))


def began() -> None:
    """Forget the choices of an empty chat that has begun: the next chat starts with instructions and memory."""
    st.session_state.pop(_WANTED, None)
    st.session_state.pop(_MEMORY, None)


def applied_line(portal: Portal, user: User, conversation: Conversation | None, *, temporary: bool = False) -> None:
    """Draw the line. conversation: the stored chat; None before its first question, and in a temporary chat."""
    found = portal.instructions.applying(user)
    remembers = not temporary and portal.memories.use(user).on
    if not found and not remembers:
        return
    conversation_id, instructed, remembered = None, wanted(), wants_memory()
    if conversation is not None:
        conversation_id, instructed, remembered = conversation.id, conversation.uses_instructions, conversation.uses_memory
    parts = [_words(found) if instructed else t("Instructions are left out")] if found else []
    parts += [t("Memory is on") if remembered else t("Memory is left out")] if remembers else []
    with st.container(key="appliedline"), st.expander(" · ".join(parts), type="compact"):
        for each in found:
            whose = t("Your instructions") if each.holder is Holder.PERSON else t("Instructions of {group}", group=plain(each.subject))
            st.markdown(f"**{whose}**  \n{lines(each.text)}")
        if found:
            key = f"instructed-{conversation_id or 'new'}"
            st.session_state.setdefault(key, instructed)
            if st.toggle(t("Use instructions in this chat"), key=key) != instructed:
                if conversation_id is None:
                    st.session_state[_WANTED] = not instructed
                else:
                    portal.conversation_flags.use_instructions(user, conversation_id, not instructed)
                st.rerun()
        if remembers:
            _memory(portal, user, conversation_id, remembered)


def _memory(portal: Portal, user: User, conversation_id: str | None, used: bool) -> None:
    key = f"remembered-{conversation_id or 'new'}"
    st.session_state.setdefault(key, used)
    about = t("What is remembered about you is read in this chat, and new facts are proposed from it. Your account lists them.")
    if st.toggle(t("Use memory in this chat"), key=key, help=about) != used:
        if conversation_id is None:
            st.session_state[_MEMORY] = not used
        else:
            portal.conversation_flags.use_memory(user, conversation_id, not used)
        st.rerun()


def lines(text: str) -> str:
    """Return a text of several lines as Markdown that shows it as it is."""
    return "  \n".join(plain(line) for line in text.split("\n"))


def _words(found: Sequence[Instructions]) -> str:
    group = next((plain(each.subject) for each in found if each.holder is Holder.GROUP), "")
    own = any(each.holder is Holder.PERSON for each in found)
    if own and group:
        return t("Your instructions and those of {group} apply", group=group)
    return t("Your instructions apply") if own else t("The instructions of {group} apply", group=group)
