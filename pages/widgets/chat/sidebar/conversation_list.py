"""Folders and conversations in the sidebar: one component for all rows with their menus and marks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

from core.chat.records import Conversation, Folder
from pages.shell.words import language, t
from pages.widgets.common.script import component
from pages.widgets.usage.days import zone

_list = component("conversations", file="conversations.js", html="<nav class='list'></nav>")

_GROUPS = ("Today", "Yesterday", "Last 7 days", "Last 30 days", "Older")


def conversation_list(
    conversations: Sequence[Conversation],
    folders: Sequence[Folder],
    folder: Folder | None,
    *,
    open_id: str | None,
    open_in: str | None,
    running: Collection[str],
    found: bool,
    pinned: Sequence[Conversation] = (),
    archive: bool = False,
    exports: bool = True,
    on_event: Callable[[], None],
) -> None:
    """Draw the list.

    folders: all folders of the user; folder: the folder of the conversations; open_in: the id of the folder of the open chat.
    found: the conversations are search results from any folder, best first; they show their folders and are not grouped by day.
    pinned: conversations above the others. archive: whether the conversations are archived ones. exports: whether the user may export.

    on_event: called when `st.session_state["conversations"].event` holds {"kind": "open" | "move" | "delete" | "folder" |
    "delete folder", "id"}, {"kind": "rename" | "rename folder" | "new folder", "id", "title"}, {"kind": "pin" | "archive", "id", "on"},
    {"kind": "list archive", "on"} or {"kind": "move many" | "archive many" | "delete many", "ids"},
    {"kind": "export", "ids"}. "folder" with the id "" leaves the folder.
    """
    now = _now()
    groups = [(t("Results"), list(conversations))] if found and conversations else by_day(conversations, now)
    if pinned:
        groups.insert(0, (t("Pinned"), list(pinned)))
    named = {each.id: each.name for each in folders} if found else {}

    def row(each: Conversation) -> dict[str, object]:
        shown = _row(each, each.id in running, named, day(each.updated_at, now) if found else "")
        return shown | {"unread": each.unread and each.id != open_id}

    _list(
        key="conversations",
        # A list: Streamlit searches every value of a mapping for tables.
        data=[
            {
                "open": open_id,
                "folders": [] if found or folder or archive else [_folder(each, each.id == open_in) for each in folders],
                "folder": _folder(folder, True) if folder and not (found or archive) else None,
                "archive": archive and not found,
                "offersArchive": not (found or folder or archive),
                "groups": [[title, [row(each) for each in members]] for title, members in groups],
                "none": _why_none(found, folder, folders, archive),
            },
            _labels(len(folders), exports),
        ],
        on_event_change=on_event,
    )


def _why_none(found: bool, folder: Folder | None, folders: Sequence[Folder], archive: bool) -> str:
    if found:
        return t("No chats match.")
    if archive:
        return t("No chats are archived. Archive one from its menu.")
    if folder:
        return t("No chats here yet. Start a new one, or move one here from its menu.")
    return t("Chats without a folder will be listed here.") if folders else t("Your chats will be listed here.")


def _folder(folder: Folder, marked: bool) -> dict[str, object]:
    return {"id": folder.id, "title": folder.name, "marked": marked}


def _row(conversation: Conversation, running: bool, named: Mapping[str, str], at: str) -> dict[str, object]:
    """Return the data of a row. named: names of the folders to show, by id. at: the date of the last change to show, or ""."""
    folder = named.get(conversation.folder_id or "", "")
    marks = {"pinned": conversation.pinned_at is not None, "archived": conversation.archived_at is not None}
    return {"id": conversation.id, "title": conversation.title, "running": running, "folder": folder, "at": at, **marks}


def _labels(folders: int, exports: bool) -> dict[str, str]:
    return {
        "untitled": t("New chat"),
        "more": t("More"),
        "rename": t("Rename"),
        "delete": t("Delete"),
        "title": t("Title"),
        "running": t("Answering"),
        "move": t("Move to folder"),
        "folder": t("Folder"),
        "folders": t("Folders"),
        "new folder": t("New folder"),
        "delete folder": t("Delete folder"),
        "folder name": t("Folder name"),
        "all folders": t("Show all {number} folders", number=folders),
        "all chats": t("All chats"),
        "pin": t("Pin"),
        "unpin": t("Unpin"),
        "archive": t("Archive"),
        "unarchive": t("Take out of the archive"),
        "archived": t("Archived chats"),
        "unread": t("New answer"),
        "export": t("Export") if exports else "",
        "select": t("Select chats"),
        "selected": t("{number} selected"),
        "done": t("Done"),
    }


def by_day(conversations: Sequence[Conversation], now: datetime) -> list[tuple[str, list[Conversation]]]:
    """Return non-empty groups with their translated headings, newest first. Days are in the time zone of `now`."""
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


def day(at: datetime, now: datetime) -> str:
    """Return the time for today ("14:05"), else the date ("3 Nov"), with the year if it is not the current one."""
    local = at.astimezone(now.tzinfo)
    if local.date() == now.date():
        return f"{local:%H:%M}"
    if language() == "zh":
        return f"{local.month}月{local.day}日" if local.year == now.year else f"{local.year}年{local.month}月{local.day}日"
    return f"{local.day} {local:%b}" if local.year == now.year else f"{local.day} {local:%b %Y}"


def _now() -> datetime:
    return datetime.now(zone())
