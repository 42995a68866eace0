"""The conversations in the sidebar: one component for all rows, their menus and marks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta

from core.entities import Conversation
from pages.widgets.days import zone
from pages.widgets.script import component
from pages.words import t

_list = component("conversations", file="conversations.js", html="<nav class='list'></nav>")

_GROUPS = ("Today", "Yesterday", "Last 7 days", "Last 30 days", "Older")


def conversation_list(
    conversations: Sequence[Conversation], *, open_id: str | None, running: Collection[str], found: bool, on_event: Callable[[], None]
) -> None:
    """found: the conversations are what a search found, best first, so they are not grouped by day.

    `on_event` is called when `st.session_state["conversations"].event` holds {"kind": "open" | "delete", "id"} or
    {"kind": "rename", "id", "title"}.
    """
    groups = [(t("Found"), list(conversations))] if found and conversations else by_day(conversations, _now())
    _list(
        key="conversations",
        # A list: Streamlit searches every value of a mapping for tables.
        data=[
            {
                "open": open_id,
                "groups": [[title, [_row(each, each.id in running) for each in members]] for title, members in groups],
                "none": t("No chat has these words.") if found else t("Your chats will be listed here."),
            },
            _labels(),
        ],
        on_event_change=on_event,
    )


def _row(conversation: Conversation, running: bool) -> dict[str, object]:
    return {"id": conversation.id, "title": conversation.title, "running": running}


def _labels() -> dict[str, str]:
    return {
        "untitled": t("New chat"),
        "more": t("More"),
        "rename": t("Rename"),
        "delete": t("Delete"),
        "title": t("Title"),
        "running": t("An answer is being written"),
    }


def by_day(conversations: Sequence[Conversation], now: datetime) -> list[tuple[str, list[Conversation]]]:
    """Groups with their translated heads, newest first; days are those of `now`'s time zone. Empty groups are left out."""
    members: dict[str, list[Conversation]] = {title: [] for title in _GROUPS}
    for each in conversations:
        members[_group(each.updated_at.astimezone(now.tzinfo).date(), now.date())].append(each)
    return [(t(title), each) for title, each in members.items() if each]


def _group(day: date, today: date) -> str:
    age = today - day
    if age <= timedelta(0):
        return "Today"
    if age == timedelta(1):
        return "Yesterday"
    return "Last 7 days" if age <= timedelta(7) else "Last 30 days" if age <= timedelta(30) else "Older"


def _now() -> datetime:
    return datetime.now(zone())
