"""Search inside the open chat: a field in its head, the number of hits in all versions, and the way from one to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.chat.records import Author
from core.people.records import User
from core.search.records import MARK_END, MARK_START, DocumentKind
from core.search.search import FoundItem
from pages.shell.words import t
from pages.widgets.chat import linked_message
from pages.widgets.common.formats import count
from pages.widgets.common.requests import queue_component_action
from pages.widgets.common.script import component
from pages.widgets.search.search_field import MAX_CHARACTERS

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_bar = component("findBar", file="find.js", html="<div class='find' role='search'></div>")
_FINDING = "chat_finding"
MOST = 500
"""Number of hits to walk through; of more, the newest."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A search in one chat. id: the message that is shown; marks: the words as the hits have them."""

    conversation_id: str
    words: str = ""
    ids: Sequence[str] = ()
    id: str = ""
    marks: Sequence[str] = ()
    more: bool = False

    def text(self) -> str:
        """Return "2 of 7", or what there is instead."""
        if not self.words:
            return ""
        if not self.ids:
            return t("No results")
        total = f"{count(len(self.ids))}{'+' if self.more else ''}"
        return t("{n} of {total}", n=count(self.ids.index(self.id) + 1), total=total)


def opened(conversation_id: str) -> Finding | None:
    """Return the search that is open in this chat; None if there is none."""
    found: Finding | None = st.session_state.get(_FINDING)
    return found if found and found.conversation_id == conversation_id else None


def find_button(conversation_id: str) -> None:
    """Draw the button that opens the field."""
    name = t("Search this chat")
    st.button(name, icon=":material/search:", key="icon-find", type="tertiary", help=name, shortcut="Ctrl+Shift+F", on_click=_open,
              args=(conversation_id,))  # fmt: skip


def find_bar(finding: Finding) -> None:
    """Draw the field with the number of hits. Its actions go to carry_out()."""
    labels = {
        "field": t("Search this chat"),
        "next": t("Next result (Enter)"),
        "previous": t("Previous result (Shift+Enter)"),
        "close": t("Close"),
    }
    data = {"words": finding.words, "text": finding.text(), "hits": len(finding.ids), "marks": list(finding.marks), "most": MAX_CHARACTERS}
    key = "find-in-chat"
    _bar(key=key, data=[data, labels], width="stretch", height="content", on_event_change=lambda: queue_component_action(key))


def carry_out(portal: Portal, user: User, conversation_id: str | None, asked: Mapping[str, Any]) -> None:
    """Search, go to another hit, or close the field."""
    finding = opened(conversation_id or "")
    if finding is None:
        return
    if asked["kind"] == "find close":
        st.session_state.pop(_FINDING, None)
        return
    words = str(asked["text"])[:MAX_CHARACTERS].strip()
    hits = portal.search.find(user, words, DocumentKind.MESSAGE, conversation=finding.conversation_id, limit=MOST) if words else None
    items = sorted(hits.items, key=_order) if hits else []
    ids = [each.id for each in items]
    id = ids[0] if ids else ""
    # The hits are looked up again each time: messages come, go, and are found by then.
    if ids and words == finding.words and finding.id in ids:
        id = ids[(ids.index(finding.id) + (-1 if asked["back"] else 1)) % len(ids)]
    st.session_state[_FINDING] = Finding(
        conversation_id=finding.conversation_id, words=words, ids=ids, id=id, marks=_marks(items), more=bool(hits and hits.next_cursor)
    )
    if id:
        linked_message.lead_to(finding.conversation_id, id)


def _open(conversation_id: str) -> None:
    st.session_state[_FINDING] = Finding(conversation_id)


def _order(item: FoundItem) -> tuple[Any, ...]:
    """Return the order of a find: a question and its answer begin at the same moment."""
    return item.at, item.author is not Author.USER, item.id


def _marks(items: Sequence[FoundItem]) -> Sequence[str]:
    """Return what is marked in the snippets, without repetitions."""
    found = {part.partition(MARK_END)[0].casefold() for item in items for part in item.snippet.split(MARK_START)[1:]}
    return sorted(found, key=len, reverse=True)
