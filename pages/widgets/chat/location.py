"""The open chat and the folder that is listed beside it.

The URL names both, so that reload, back and a second window work; when the user returns from another page, the session remembers them.
The URL of a chat also lists the folder of that chat. Without a chat, the URL names the folder, and new chats begin in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.chat.records import Conversation, Folder
from pages.widgets.chat.linked_message import CONVERSATION

FOLDER = "f"
"""The query parameter with the folder's id."""
SEARCH_FIELD = "convsearch"
"""The key of the sidebar's search field."""
_OPEN, _FOLDER, _LED, _ARCHIVE = "chat_open", "chat_folder", "chat_led_to_folder", "chat_archive"
_LEFT = "chat_left"


def opened() -> str | None:
    """Return the id of the open chat; None for a new one."""
    here = st.query_params.get(CONVERSATION)
    if here is None and FOLDER not in st.query_params and comes_back():
        here = st.session_state.get(_OPEN)
    if here and st.query_params.get(CONVERSATION) != here:
        st.query_params[CONVERSATION] = here
    st.session_state[_OPEN] = here
    return here


def open_chat(conversation_id: str | None) -> None:
    """Open this chat; None opens a new one in the listed folder."""
    st.session_state[_LEFT] = True
    st.session_state[_OPEN] = conversation_id
    _go({CONVERSATION: conversation_id, FOLDER: None if conversation_id else st.session_state.get(_FOLDER)})


def left() -> bool:
    """Tell whether another chat was opened since the last call."""
    return bool(st.session_state.pop(_LEFT, False))


def list_folder(folder_id: str | None) -> None:
    """List the chats of this folder; None lists those without a folder. The open chat stays open."""
    st.session_state[_FOLDER] = folder_id
    if CONVERSATION not in st.query_params:
        _go({FOLDER: folder_id})


def listed(folders: Sequence[Folder], conversation_id: str | None, conversation: Conversation | None) -> Folder | None:
    """Return the folder to list: that of a chat that was just opened, else the one chosen last; None for no folder.

    folders: the user's folders; no others are listed. conversation: the open chat, if it exists.
    """
    wanted = st.session_state.get(_FOLDER)
    if conversation_id is None:
        wanted = st.query_params.get(FOLDER) or (wanted if comes_back() else None)
    elif conversation and st.session_state.get(_LED) != conversation_id:
        wanted = conversation.folder_id
    st.session_state[_LED] = conversation_id
    found = next((each for each in folders if each.id == wanted), None)
    st.session_state[_FOLDER] = found.id if found else None
    if conversation_id is None and st.query_params.get(FOLDER) != st.session_state[_FOLDER]:
        _go({FOLDER: st.session_state[_FOLDER]})
    return found


def list_archive(listed: bool) -> None:
    """List the archived chats, or go back to the other ones."""
    st.session_state[_ARCHIVE] = listed


def lists_archive() -> bool:
    """Tell whether the archived chats are listed."""
    return bool(st.session_state.get(_ARCHIVE))


def folder_of_new_chats() -> str | None:
    """Return the id of the folder that was listed last."""
    found: str | None = st.session_state.get(_FOLDER)
    return found


def comes_back() -> bool:
    """Tell whether another page was drawn last. If not, a URL without parameters means a new chat.

    Streamlit forgets the widgets of a page that the user leaves, so the search field has no state then.
    """
    return SEARCH_FIELD not in st.session_state


def _go(address: dict[str, str | None]) -> None:
    # Set all parameters at once: each change adds an entry to the browser's history.
    st.query_params.from_dict({name: id for name, id in address.items() if id})
