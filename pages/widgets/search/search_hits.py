"""Draw search results in one component: consecutive hits of a chat are grouped under its title."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby

from core.chat.records import Author
from core.search.records import MARK_END, MARK_START
from core.search.search import FoundItem
from pages.shell.words import language, t
from pages.widgets.chat.linked_message import CONVERSATION, MESSAGE
from pages.widgets.common.script import component

_found = component("found", file="search.js", html="<div class='found'></div>")
_SIGNS = re.compile(r"\*\*|\|?(?: ?:?-{2,}:? ?\|)+")
_MARKS = re.compile(f"[{MARK_START}{MARK_END}]")


def found(key: str, items: Sequence[FoundItem], *, on_event: Callable[[str], None]) -> None:
    """Draw the results.

    on_event: called with the key, whose state then holds `event`: {"kind": "open", "c", "m"}, with the ids of chat and message.
    """
    groups = [_group(list(members)) for _, members in groupby(items, key=lambda item: item.conversation_id)]
    labels = {
        "untitled": t("New chat"), "good": t("Rated good"), "poor": t("Rated poor"), "files": t("Attached files"), "language": language(),
    }  # fmt: skip
    _found(key=key, data=[{"groups": groups}, labels], on_event_change=lambda: on_event(key))


def _group(items: list[FoundItem]) -> dict[str, object]:
    head = next((item for item in items if item.kind == "conversation"), None)
    first = items[0]
    return {
        "address": {CONVERSATION: first.conversation_id},
        "title": pieces(head.snippet) if head else [first.title],
        # A hit in the title alone shows the date of the chat's last change; messages have their own dates.
        "at": head.at.isoformat() if head and len(items) == 1 else None,
        "items": [_row(item) for item in items if item.kind == "message"],
    }


def _row(item: FoundItem) -> dict[str, object]:
    return {
        "address": {CONVERSATION: item.conversation_id, MESSAGE: item.message_id},
        "who": t("Question") if item.author is Author.USER else t("Answer"),
        "at": item.at.isoformat(),
        "model": item.model,
        "rating": item.rating or 0,
        "files": list(item.files),
        "snippet": pieces(item.snippet),
    }


def pieces(snippet: str) -> list[str]:
    """Split the snippet at its marks: every second piece is a match. The pieces are plain text, so they cannot carry markup.

    Markdown that makes a snippet hard to read is removed: marks of bold text, and the rules of tables.
    """
    return _MARKS.split(_SIGNS.sub("", snippet))
