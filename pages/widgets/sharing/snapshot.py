"""The messages of a shared chat, read-only."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.chat.conversations import Shown
from core.chat.records import Author, Message, MessageStatus
from core.knowledge.records import StoredFile
from core.sharing.records import SharedChat, SharedMessage
from pages.widgets.chat.answers.between_answers import Footer, divider, divider_labels
from pages.widgets.chat.answers.tool_steps import shared_steps
from pages.widgets.chat.message import show
from pages.widgets.documents.sources import shared_sources


def snapshot(shared: SharedChat) -> None:
    """Draw questions and answers as in the chat, with only Copy below an answer."""
    asked: Shown | None = None
    footer: Footer | None = None
    divider_labels()
    with st.container(key="transcript", gap="small"):
        for number, each in enumerate(shared.messages):
            shown = _shown(shared, number, each)
            if each.author is Author.USER:
                asked = shown
                continue
            _divider(f"seam-{number}", footer=footer, asked=asked)
            shared_steps(each.steps, str(number))
            show(each.text, sources=len(each.sources) if each.sources else None)
            shared_sources(each.sources)
            asked = None
            footer = Footer(answer=shown, meta=(each.model,) if each.model else (), details=(), mark="", again=False, rated=False)
        _divider("seam-last", footer=footer, asked=asked)


_divider = partial(divider, thought=None, free=False, on_event=lambda _key: None)


def _shown(shared: SharedChat, number: int, message: SharedMessage) -> Shown:
    share, id = shared.share, str(number)
    files = tuple(
        StoredFile(id=f"{id}-{n}", user_id=share.user_id, name=name, size_bytes=0, created_at=message.created_at)
        for n, name in enumerate(message.files)
    )
    made = Message(
        id=id, conversation_id="", parent_id=None, author=message.author, text=message.text, status=MessageStatus.DONE,
        created_at=message.created_at, files=files,
    )  # fmt: skip
    return Shown(made, 1, (id,))
