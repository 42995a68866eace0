"""Say in a quiet line which instructions apply to the open chat, and let the person leave them out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.chat.context.records import Holder, Instructions
from core.errors import NotFound
from core.people.records import User
from pages.shell.words import t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_WANTED = "chat_wants_instructions"
"""Whether a chat that is not stored yet, or never is, uses instructions."""


def wanted() -> bool:
    """Tell whether the next new chat, or the temporary chat, uses instructions."""
    return bool(st.session_state.get(_WANTED, True))


def began() -> None:
    """Forget the choice of an empty chat once it has begun: the next one starts with instructions."""
    st.session_state.pop(_WANTED, None)


def applied_line(portal: Portal, user: User, conversation_id: str | None) -> None:
    """Draw the line. conversation_id: the stored chat; None before its first question, and in a temporary chat."""
    found = portal.instructions.applying(user)
    if not found:
        return
    used = wanted()
    if conversation_id is not None:
        try:
            used = portal.conversations.get(user, conversation_id).uses_instructions
        except NotFound:
            return
    with st.container(key="appliedline"), st.expander(_words(found) if used else t("Instructions are left out"), type="compact"):
        for each in found:
            whose = t("Your instructions") if each.holder is Holder.PERSON else t("Instructions of {group}", group=plain(each.subject))
            st.markdown(f"**{whose}**  \n{lines(each.text)}")
        key = f"instructed-{conversation_id or 'new'}"
        st.session_state.setdefault(key, used)
        if st.toggle(t("Use instructions in this chat"), key=key) != used:
            if conversation_id is None:
                st.session_state[_WANTED] = not used
            else:
                portal.marks.use_instructions(user, conversation_id, not used)
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
