"""The sidebar of the chat: search, folders, chats and their actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.chat.ports import NO_FOLDER
from core.chat.records import Conversation, Folder
from core.chat.titling import written_titles
from core.errors import NotFound, PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.tasks.records import ACTIVE, JobFilter
from pages.chat import search
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat import location
from pages.widgets.chat.follow import close_sidebar
from pages.widgets.chat.message import plain
from pages.widgets.chat.sidebar import dialogs
from pages.widgets.chat.sidebar.conversation_list import conversation_list
from pages.widgets.common.requests import pending, queue_component_action

if TYPE_CHECKING:
    from bootstrap.portal import Portal

LISTED = 100
MARKS_S = 1.5
_LISTED = "chat_listed"


@dataclass(frozen=True, slots=True)
class Listed:
    """What the sidebar lists. conversation: the open chat, if it exists; folder: the listed folder."""

    conversation: Conversation | None
    folders: Sequence[Folder]
    folder: Folder | None

    @property
    def open_in(self) -> str | None:
        """Return the id of the folder of the open chat."""
        return self.conversation.folder_id if self.conversation else None

    @property
    def of_next_chat(self) -> Folder | None:
        """Return the folder of the open chat, or the one in which a new chat will be."""
        return next((each for each in self.folders if each.id == self.open_in), None) if self.conversation else self.folder


def read_listed(portal: Portal, user: User, conversation_id: str | None) -> Listed:
    """Read what the sidebar lists, and mark the open chat as read."""
    try:
        conversation = portal.conversations.get(user, conversation_id) if conversation_id else None
    except NotFound:
        conversation = None
    if conversation and conversation.unread:
        portal.conversation_flags.set_unread(user, conversation.id, False)
    folders = portal.folders.list(user)
    return Listed(conversation, folders, location.listed(folders, conversation_id, conversation))


def new_chat_icon(listed: Listed) -> None:
    """Draw the button for a new chat that is shown on a phone, where the sidebar is closed. The style sheet hides it elsewhere."""
    st.button(
        _new(listed.folder), icon=":material/edit_square:", key="icon-newhead", type="tertiary", on_click=location.open_chat, args=(None,)
    )


def chat_sidebar(portal: Portal, user: User, conversation_id: str | None, listed: Listed) -> None:
    """Draw the sidebar."""
    with st.sidebar:
        with st.container(key="convhead", gap="xsmall"):
            st.button(
                _new(listed.folder), icon=":material/edit_square:", key="new", type="tertiary", width="stretch", wrap=False,
                shortcut="Ctrl+Shift+O", on_click=location.open_chat, args=(None,),
            )  # fmt: skip
            words = st.text_input(
                t("Search chats"), type="search", placeholder=t("Search chats"), live=True, label_visibility="collapsed",
                key=location.SEARCH_FIELD,
            )  # fmt: skip
        wanted = (words or "").strip()
        _rows(portal, user, conversation_id, listed, wanted)
        if wanted and st.button(t("All results"), icon=":material/search:", key="allresults", type="tertiary", width="stretch"):
            search.open_with(wanted)
        close_sidebar(conversation_id or "")
    dialogs.draw(portal, user)


def _new(folder: Folder | None) -> str:
    return t("New chat in {name}", name=plain(folder.name)) if folder else t("New chat")


def carry_out(portal: Portal, user: User, asked: Mapping[str, Any]) -> None:
    """Carry out a request made in the sidebar or its dialogs: see pages/widgets/common/requests.py."""
    match asked["kind"]:
        case "open":
            location.open_chat(asked["id"])
        case "rename":
            portal.conversations.rename(user, asked["id"], asked["title"])
        case "folder":
            location.list_folder(asked["id"] or None)
        case "new folder":
            portal.folders.new(user, asked["title"])
        case "rename folder":
            portal.folders.rename(user, asked["id"], asked["title"])
        case "delete" | "move":
            dialogs.show(asked["kind"], [asked["id"]])
        case "export":
            dialogs.show("export", list(asked["ids"]))
        case "delete folder":
            dialogs.show("delete folder", asked["id"])
        case "delete many" | "move many":
            dialogs.show(asked["kind"].removesuffix(" many"), list(asked["ids"]))
        case "pin":
            portal.conversation_flags.pin(user, asked["id"], bool(asked["on"]))
        case "archive":
            portal.conversation_flags.archive(user, asked["id"], bool(asked["on"]))
        case "archive many":
            for id in asked["ids"]:
                portal.conversation_flags.archive(user, id, not location.lists_archive())
        case "list archive":
            location.list_archive(bool(asked["on"]))
        case "delete now":
            dialogs.close()
            portal.conversations.delete_many_soon(user, asked["ids"])
            if location.opened() in asked["ids"]:
                location.open_chat(None)
        case "restore":
            portal.conversations.restore(user, asked["id"])
            location.open_chat(asked["id"])
        case "move now":
            dialogs.close()
            _move(portal, user, asked["ids"], asked["folder"])
        case "move to new":
            try:
                folder = portal.folders.new(user, asked["name"])
            except PortalError as problem:
                dialogs.show("move", asked["ids"], error_text(problem))
                return
            dialogs.close()
            _move(portal, user, asked["ids"], folder.id)
        case "delete folder now":
            dialogs.close()
            portal.folders.remove(user, asked["id"])


def _move(portal: Portal, user: User, ids: Sequence[str], folder_id: str | None) -> None:
    for id in ids:
        portal.conversations.move(user, id, folder_id)


def _rows(portal: Portal, user: User, conversation_id: str | None, at_first: Listed, words: str) -> None:
    """Draw the list. Redraw it repeatedly while an answer runs in another conversation or a title is being written."""
    others = bool(portal.turns.running_conversations(user) - {conversation_id}) or _title_coming(portal, user)
    archive, folder = location.lists_archive(), at_first.folder

    def draw() -> None:
        limit = st.session_state.setdefault(_LISTED, LISTED)
        try:
            pinned: Sequence[Conversation] = ()
            if words:
                rows = portal.conversations.find(user, words)
            elif archive:
                rows = portal.conversations.list(user, limit, archived=True)
            else:
                listed = folder.id if folder else NO_FOLDER
                pinned = portal.conversations.list(user, LISTED, folder_id=listed, pinned=True)
                rows = portal.conversations.list(user, limit, folder_id=listed, pinned=False)
            # Drawn again by itself only while something is coming.
            folders = portal.folders.list(user) if others else at_first.folders
        except PortalError as problem:
            st.caption(plain(error_text(problem)))
            return
        running = portal.turns.running_conversations(user)
        tell = partial(queue_component_action, "conversations")
        conversation_list(
            rows, folders, folder, open_id=conversation_id, open_in=at_first.open_in, running=running, found=bool(words),
            pinned=pinned, archive=archive, exports=allows(user, Permission.EXPORT), on_event=tell,
        )  # fmt: skip
        if not words and len(rows) == limit:
            st.button(t("Show older chats"), type="tertiary", key="older", width="stretch", on_click=_list_more)
        if others and (pending() or not (running - {conversation_id} or _title_coming(portal, user))):
            st.rerun()

    (part(draw, every=MARKS_S) if others else draw)()


def _title_coming(portal: Portal, user: User) -> bool:
    return bool(portal.jobs.list(user, JobFilter(owner_id=user.id, kinds=(written_titles.KIND,), states=ACTIVE), limit=1))


def _list_more() -> None:
    st.session_state[_LISTED] += 2 * LISTED
