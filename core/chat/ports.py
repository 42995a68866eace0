"""Declare the repositories of conversations, folders, messages and turns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from core.chat.context.records import AnswerContext
from core.chat.records import Conversation, Folder, Message, MessageStatus, Turn, TurnProgress
from core.chat.tools.records import Decision, ToolStep
from core.errors import StoredError


class ConversationRepository(Protocol):
    """Stores conversations. Every write also queues an index job in the same transaction."""

    def add(self, conversation: Conversation) -> None:
        """Insert a conversation into its folder, or into none if the folder was just removed."""
        ...

    def get(self, conversation_id: str) -> Conversation | None: ...
    def for_change(self, conversation_id: str) -> Conversation | None:
        """Read and lock a conversation. Until the transaction ends, no other can change or remove it or start a turn in it."""
        ...

    def of_user(
        self,
        user_id: str,
        limit: int,
        before: datetime | None = None,
        folder_id: str | None = None,
        *,
        archived: bool = False,
        pinned: bool | None = None,
    ) -> Sequence[Conversation]:
        """List conversations, most recently changed first; `before` continues a listing.

        folder_id: only those in this folder, or in none (NO_FOLDER). archived: list archived conversations instead of the others.
        pinned: True lists only pinned ones, False only the others.
        """
        ...

    def by_ids(self, user_id: str, ids: Sequence[str]) -> Sequence[Conversation]:
        """Return those of `ids` that exist and belong to the user, in the order of `ids`."""
        ...

    def save(self, conversation: Conversation) -> None:
        """Write all fields except the folder and `unread`. Read the conversation with for_change first."""
        ...

    def set_unread(self, conversation_id: str, unread: bool) -> None: ...

    def move(self, conversation_id: str, folder_id: str | None) -> None:
        """Move a conversation into this folder.

        None, or the id of a folder that was just removed, means no folder. Index jobs are queued for the messages too, because search
        filters them by folder.
        """
        ...

    def remove(self, conversation_id: str) -> None:
        """Delete a conversation with its messages, files and turns. Generation rows and ratings stay without text."""
        ...


NO_FOLDER = ""
"""Stands for "in no folder" where a folder's id is expected."""


class FolderRepository(Protocol):
    """Stores folders. After add or rename, no other transaction can add or rename a folder of this person until this one ends."""

    def add(self, folder: Folder) -> None: ...
    def get(self, folder_id: str) -> Folder | None: ...
    def of_user(self, user_id: str) -> Sequence[Folder]:
        """List the folders, oldest first."""
        ...

    def rename(self, folder_id: str, name: str) -> None: ...
    def remove(self, folder_id: str) -> None:
        """Delete a folder. Its conversations stay, without a folder."""
        ...


class MessageRepository(Protocol):
    """Stores messages and reads them with their files.

    `add` and `finish` queue an index job in the same transaction; `checkpoint` does not.
    """

    def add(self, message: Message) -> None: ...
    def get(self, message_id: str) -> Message | None: ...
    def by_ids(self, user_id: str, ids: Sequence[str]) -> Sequence[Message]:
        """Return those of `ids` that exist in the user's conversations, in no particular order."""
        ...

    def of_conversation(self, conversation_id: str) -> Sequence[Message]:
        """Return all versions, oldest first, each with its generation and its owner's rating."""
        ...

    def set_pinned(self, message_id: str, pinned: bool) -> None: ...
    def move_below(self, message_id: str, parent_id: str) -> None:
        """Make a message follow another message of its conversation."""
        ...

    def checkpoint(self, message_id: str, text: str, reasoning: str, steps: Sequence[ToolStep] = ()) -> None:
        """Write the partial text and the steps of a streaming message. Has no effect on any other message."""
        ...

    def finish(
        self,
        message_id: str,
        status: MessageStatus,
        text: str,
        reasoning: str,
        error: StoredError | None = None,
        context: AnswerContext | None = None,
        steps: Sequence[ToolStep] | None = None,
    ) -> None:
        """Write the end of an answer. steps: None keeps those that are stored."""
        ...


class TurnRepository(Protocol):
    """Stores turns."""

    def add(self, turn: Turn) -> None:
        """Insert a turn. Raises Conflict if this user sent this request_id before."""
        ...

    def get(self, turn_id: str) -> Turn | None: ...
    def by_request(self, user_id: str, request_id: str) -> Turn | None: ...
    def streaming_in(self, conversation_id: str) -> Turn | None:
        """Return the turn of this conversation that is still streaming."""
        ...

    def streaming_of(self, user_id: str) -> Sequence[Turn]:
        """List the person's turns that are still streaming, on any replica."""
        ...

    def answering(self, conversation_id: str, answer_id: str) -> Turn | None:
        """Return the turn that writes this answer, if it is still streaming."""
        ...

    def decide(self, turn_id: str, step_id: str, decision: Decision) -> bool:
        """Store what the person decided about a step. Returns False if the turn has ended or the step was decided before."""
        ...

    def decision(self, turn_id: str, step_id: str) -> Decision | None:
        """Return what the person decided about a step."""
        ...

    def progress(self, turn_ids: Collection[str]) -> Sequence[TurnProgress]:
        """Return the stored progress of each of these turns that exists."""
        ...

    def request_stop(self, turn_id: str) -> bool:
        """Ask the replica that runs a turn to stop it. Returns False if it has ended."""
        ...

    def stop_requested(self, turn_ids: Collection[str]) -> set[str]:
        """Return the ids of those turns that people asked to stop."""
        ...

    def with_expired_lease(self, now: datetime) -> Sequence[Turn]:
        """List streaming turns whose lease ended before `now`."""
        ...

    def finish(self, turn_id: str, status: MessageStatus) -> None:
        """End a turn. Call this before writing the answer: if two processes end the same turn, the second one waits here."""
        ...

    def interrupt(self, turn_id: str, now: datetime) -> bool:
        """Mark a streaming turn whose lease ended before `now` as interrupted. Returns False if it ended or was extended before that."""
        ...

    def extend_lease(self, turn_id: str, until: datetime) -> None: ...
