"""Declare the repositories of conversations, folders, messages and turns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.chat.records import Conversation, Folder, Message, MessageStatus, Turn
from core.errors import StoredError


class ConversationRepository(Protocol):
    """Every write also queues the index job that announces it, in the same transaction."""

    def add(self, conversation: Conversation) -> None:
        """In its folder, or in none if that was just removed."""
        ...

    def get(self, conversation_id: str) -> Conversation | None: ...
    def for_change(self, conversation_id: str) -> Conversation | None:
        """Read it in order to change it: until the end nobody else changes or removes it, and no turn begins in it."""
        ...

    def of_user(self, user_id: str, limit: int, before: datetime | None = None, folder_id: str | None = None) -> Sequence[Conversation]:
        """Newest change first; `before` continues a listing. folder_id: only those in this folder, or in none (NO_FOLDER)."""
        ...

    def by_ids(self, user_id: str, ids: Sequence[str]) -> Sequence[Conversation]:
        """Those of `ids` that exist and belong to the user, in the order of `ids`."""
        ...

    def save(self, conversation: Conversation) -> None:
        """Write all fields but the folder. Read the conversation with for_change first."""
        ...

    def move(self, conversation_id: str, folder_id: str | None) -> None:
        """Put it in this folder; in none for None, or if the folder was just removed. Its messages are announced too: they are found
        by their folder."""
        ...

    def remove(self, conversation_id: str) -> None:
        """With its messages, files and turns. Generation rows and ratings stay, without text."""
        ...


NO_FOLDER = ""
"""In place of a folder's id: what is in none."""


class FolderRepository(Protocol):
    """After add and rename, until the end, nobody else adds or renames a folder of this person: what is read then can be relied on."""

    def add(self, folder: Folder) -> None: ...
    def get(self, folder_id: str) -> Folder | None: ...
    def of_user(self, user_id: str) -> Sequence[Folder]:
        """Oldest first."""
        ...

    def rename(self, folder_id: str, name: str) -> None: ...
    def remove(self, folder_id: str) -> None:
        """Its conversations stay, in no folder."""
        ...


class MessageRepository(Protocol):
    """Adding and finishing also queue the index job, in the same transaction; a checkpoint does not. Messages are read with their files."""

    def add(self, message: Message) -> None: ...
    def get(self, message_id: str) -> Message | None: ...
    def by_ids(self, user_id: str, ids: Sequence[str]) -> Sequence[Message]:
        """Those of `ids` that exist and stand in the user's conversations, in no order."""
        ...

    def of_conversation(self, conversation_id: str) -> Sequence[Message]:
        """All versions, oldest first, each with its generation and its owner's rating."""
        ...

    def checkpoint(self, message_id: str, text: str, reasoning: str) -> None:
        """Write partial text of a streaming message; no effect on any other."""
        ...

    def finish(self, message_id: str, status: MessageStatus, text: str, reasoning: str, error: StoredError | None = None) -> None: ...


class TurnRepository(Protocol):
    def add(self, turn: Turn) -> None:
        """Raises Conflict if this user sent this request_id before."""
        ...

    def get(self, turn_id: str) -> Turn | None: ...
    def by_request(self, user_id: str, request_id: str) -> Turn | None: ...
    def streaming_in(self, conversation_id: str) -> Turn | None:
        """The turn of this conversation that is still being answered."""
        ...

    def streaming_past(self, now: datetime) -> Sequence[Turn]:
        """Streaming turns whose lease ended before `now`."""
        ...

    def finish(self, turn_id: str, status: MessageStatus) -> None:
        """Call it before the answer is written: of two that end a turn, the second waits here."""
        ...

    def interrupt(self, turn_id: str, now: datetime) -> bool:
        """Mark a streaming turn whose lease ended before `now`. False if it ended, or its lease was extended, meanwhile."""
        ...

    def extend_lease(self, turn_id: str, until: datetime) -> None: ...
