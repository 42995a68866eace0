"""Dialogs to delete, export and move chats and to delete folders. One is open at a time; the session remembers which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.chat.folders import MAX_NAME_LENGTH
from core.chat.pending_deletions import UNDO_S
from core.chat.records import Conversation, Folder
from core.errors import PortalError
from core.people.records import User
from pages.shell.live_part import dialog
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.chat.sidebar.export_dialog import export_chats
from pages.widgets.common.requests import queue_action

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_SHOWN = "chat_dialog"
_NAME = "move-name"
MANY = 8
"""Number of folders above which the list scrolls."""


def show(kind: str, subject: str | Sequence[str], problem: str = "") -> None:
    """Open a dialog. kind: "delete", "export" or "move", with the ids of chats, or "delete folder". problem: why the last try failed."""
    st.session_state[_SHOWN] = (kind, subject, problem)


def close() -> None:
    st.session_state.pop(_SHOWN, None)


def draw(portal: Portal, user: User) -> None:
    """Draw the open dialog, if there is one."""
    if _SHOWN not in st.session_state:
        return
    kind, subject, problem = st.session_state[_SHOWN]
    folders = portal.folders.list(user)
    try:
        if kind == "delete":
            _delete_chats([portal.conversations.get(user, id) for id in subject])
        elif kind == "export":
            export_chats(portal.exports.formats(user), [portal.conversations.get(user, id) for id in subject], close)
        elif kind == "move":
            _move([portal.conversations.get(user, id) for id in subject], folders, problem)
        else:
            _delete_folder(next(each for each in folders if each.id == subject))
    except (PortalError, StopIteration):
        close()  # The subject was deleted meanwhile.


def _delete_chats(conversations: Sequence[Conversation]) -> None:
    number = len(conversations)

    @dialog(t("Delete this chat?") if number == 1 else t("Delete {n} chats?", n=number), on_dismiss=close)
    def ask() -> None:
        if number == 1:
            title = plain(conversations[0].title or t("New chat"))
            st.markdown(t("{title} and its messages will be deleted. Ratings stay, without the text.", title=f"**{title}**"))
        else:
            st.markdown(t("The chats and their messages will be deleted. Ratings stay, without the text."))
        st.caption(t("You can undo this for {seconds} seconds.", seconds=round(UNDO_S)))
        _keep_or_delete("delete now", ids=[each.id for each in conversations])

    ask()


def _delete_folder(folder: Folder) -> None:
    @dialog(t("Delete this folder?"), on_dismiss=close)
    def ask() -> None:
        st.markdown(t("{name} will be deleted. Its chats stay, without a folder.", name=f"**{plain(folder.name)}**"))
        _keep_or_delete("delete folder now", id=folder.id)

    ask()


def _keep_or_delete(kind: str, **subject: object) -> None:
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall", key="danger-delete"):
        keep = st.button(t("Keep"), key="keep", on_click=close)
        delete = st.button(t("Delete"), key="delete-now", type="primary", on_click=lambda: queue_action(kind, **subject))
    if keep or delete:
        st.rerun()


def _move(conversations: Sequence[Conversation], folders: Sequence[Folder], problem: str) -> None:
    """Draw the choice of a folder, which moves the chats with one click, and the field for a new folder."""
    number = len(conversations)

    @dialog(t("Move to folder"), on_dismiss=close)
    def ask() -> None:
        st.caption(plain(conversations[0].title or t("New chat")) if number == 1 else t("{n} chats", n=number))
        moved = False
        with st.container(key="movelist", gap=None, height=320 if len(folders) > MANY else "content"):
            for each in folders:
                moved |= _place(each.name, "folder", conversations, each.id)
            if any(each.folder_id for each in conversations):
                moved |= _place(t("No folder"), "folder_off", conversations, None)
        with st.form("move-new", border=False, enter_to_submit=True):
            st.text_input(t("New folder"), max_chars=MAX_NAME_LENGTH, autocomplete="off", key=_NAME)
            if problem:
                st.markdown(f":red[:material/error: {plain(problem)}]")
            moved |= st.form_submit_button(t("Create and move"), on_click=_move_to_new, args=([each.id for each in conversations],))
        if moved:
            st.rerun()

    ask()


def _place(name: str, icon: str, conversations: Sequence[Conversation], folder_id: str | None) -> bool:
    """Offer a folder to move to; only mark the folder in which the chats already are."""
    here = all(each.folder_id == folder_id for each in conversations)
    return st.button(
        plain(name), icon=f":material/{'check' if here else icon}:", key=f"moveto-{folder_id or 'none'}", type="tertiary", width="stretch",
        disabled=here, on_click=queue_action, args=("move now",), kwargs={"ids": [each.id for each in conversations], "folder": folder_id},
    )  # fmt: skip


def _move_to_new(ids: Sequence[str]) -> None:
    queue_action("move to new", ids=ids, name=st.session_state[_NAME])
