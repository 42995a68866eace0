"""What core needs of the store, as Protocols: a transaction, and the rows that can be read and written in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from types import TracebackType
from typing import Protocol, Self

from core.attachment import StoredFile
from core.entities import (
    AuditEntry,
    AuditEvent,
    AuditFilter,
    Conversation,
    Credentials,
    Feedback,
    FeedbackFilter,
    Folder,
    Generation,
    LegalHold,
    Message,
    MessageStatus,
    RatedGeneration,
    RetentionRule,
    ReviewState,
    Session,
    Turn,
    User,
)
from core.totals import CountedAnswers


class UserRows(Protocol):
    def add(self, user: User, password_hash: str) -> None:
        """Raises Conflict if the name is taken."""
        ...

    def get(self, user_id: str) -> User | None: ...
    def credentials(self, name: str) -> Credentials | None: ...
    def all(self) -> Sequence[User]:
        """Everybody, by name."""
        ...

    def save(self, user: User) -> None:
        """Write all fields but the password."""
        ...

    def set_password(self, user_id: str, password_hash: str) -> None: ...
    def set_failures(self, user_id: str, failures: int, locked_until: datetime | None) -> None: ...
    def count(self) -> int: ...


class SessionRows(Protocol):
    def add(self, session: Session) -> None: ...
    def user(self, token_hash: str, now: datetime) -> User | None:
        """The active user of a live session, in one query; None if it expired, was closed, or the user is disabled."""
        ...

    def remove(self, token_hash: str) -> None: ...
    def remove_of_user(self, user_id: str, keep: str | None = None) -> None:
        """End all sessions of a user, except the one whose token hash is `keep`."""
        ...

    def remove_expired(self, now: datetime) -> int: ...


class ConversationRows(Protocol):
    """Every write also queues the index job that announces it, in the same transaction."""

    def add(self, conversation: Conversation) -> None:
        """In its folder, or in none if that was just removed."""
        ...

    def get(self, conversation_id: str) -> Conversation | None: ...
    def of_user(self, user_id: str, limit: int, before: datetime | None = None, folder_id: str | None = None) -> Sequence[Conversation]:
        """Newest change first; `before` continues a listing. folder_id: only those in this folder, or in none (NO_FOLDER)."""
        ...

    def by_ids(self, user_id: str, ids: Sequence[str]) -> Sequence[Conversation]:
        """Those of `ids` that exist and belong to the user, in the order of `ids`."""
        ...

    def save(self, conversation: Conversation) -> None:
        """Write all fields but the folder."""
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


class FolderRows(Protocol):
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


class FileRows(Protocol):
    """Files wait without a conversation until a question takes them with it.

    After add, until the end, nobody else adds a file of this person's: how many wait then can be relied on.
    """

    def add(self, file: StoredFile, content: bytes, text: str | None = None) -> None:
        """text: what was read out of a document; None where the content is text itself."""
        ...

    def get(self, file_id: str) -> StoredFile | None: ...
    def content(self, file_id: str) -> bytes:
        """What was added; empty if there is no such file any more."""
        ...

    def text(self, file_id: str) -> str | None:
        """What was read out of a document; None for another file, and for one that is gone."""
        ...

    def attach(self, message_id: str, conversation_id: str, file_ids: Sequence[str]) -> None:
        """The files belong to this conversation from now on, and are shown with this message in the order given. Call it after
        the message was added; several messages of one conversation, the versions of a question, may show the same file."""
        ...

    def waiting(self, user_id: str) -> Sequence[StoredFile]:
        """Those of this person without a conversation, oldest first."""
        ...

    def remove_waiting(self, file_id: str) -> None:
        """No effect on a file that has a conversation."""
        ...

    def waiting_since(self, before: datetime, limit: int) -> Sequence[str]:
        """Ids of files without a conversation that were added before this moment, nobody's under a hold."""
        ...


class MessageRows(Protocol):
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

    def finish(self, message_id: str, status: MessageStatus, text: str, reasoning: str, error: str | None = None) -> None: ...


class TurnRows(Protocol):
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

    def finish(self, turn_id: str, status: MessageStatus) -> None: ...
    def extend_lease(self, turn_id: str, until: datetime) -> None: ...


class GenerationRows(Protocol):
    def add(self, generation: Generation) -> None: ...
    def counted(self, first: date, last: date, model: str | None = None, group: str | None = None) -> CountedAnswers:
        """What the rows of these days (UTC, both included) add up to."""
        ...

    def rated(self, since: datetime, until: datetime, model: str | None = None, group: str | None = None) -> Sequence[RatedGeneration]:
        """Rows created in [since, until), oldest first, each with its answer's rating."""
        ...

    def models(self) -> Sequence[str]: ...
    def models_of(self, user_id: str) -> Sequence[str]:
        """The models whose answers stand in this person's conversations, by name."""
        ...

    def groups(self) -> Sequence[str]: ...


class FeedbackRows(Protocol):
    """Every write also queues the index job, in the same transaction."""

    def put(self, feedback: Feedback) -> None:
        """Insert, or replace the rating and comment this user gave this message before; state and note stay."""
        ...

    def remove(self, user_id: str, message_id: str) -> None:
        """Take the rating back; no effect if there is none."""
        ...

    def get(self, feedback_id: str) -> Feedback | None: ...
    def find(self, filter: FeedbackFilter, limit: int, offset: int = 0, *, poor_first: bool = False) -> Sequence[Feedback]:
        """Newest first; with poor_first, all poor ratings before all good ones."""
        ...

    def count(self, filter: FeedbackFilter) -> int: ...
    def counts_by_state(self) -> dict[ReviewState, int]: ...
    def review(self, feedback_id: str, state: ReviewState, note: str, reviewer_id: str, at: datetime) -> None: ...


class AuditRows(Protocol):
    """Adding also queues the index job, in the same transaction."""

    def add(self, event: AuditEvent) -> None: ...
    def by_ids(self, ids: Sequence[str]) -> Sequence[AuditEntry]:
        """Those of `ids` that exist, in no order."""
        ...

    def find(self, filter: AuditFilter, limit: int, before: str | None = None) -> Sequence[AuditEntry]:
        """Newest first; `before` is the id of the last one read."""
        ...

    def count(self, filter: AuditFilter) -> int: ...
    def actions(self) -> Sequence[str]:
        """Every action that was ever noted, by name."""
        ...


class RetentionRows(Protocol):
    def rules(self) -> Sequence[RetentionRule]: ...
    def put_rule(self, rule: RetentionRule) -> None: ...
    def remove_rule(self, kind: str, group: str) -> bool:
        """False if there is none."""
        ...

    def holds(self) -> Sequence[LegalHold]: ...
    def is_held(self, user_id: str) -> bool: ...
    def place_hold(self, hold: LegalHold) -> None:
        """A second one for the same person changes the reason."""
        ...

    def lift_hold(self, user_id: str) -> bool:
        """False if there is none."""
        ...

    def due(self, rule: RetentionRule, before: datetime, except_groups: Sequence[str], limit: int) -> Sequence[str]:
        """Ids of what the rule makes due, oldest first: last changed before this moment, nobody's under a hold, no running answer.

        Files are due by when they were added, and only once a question has taken them with it.
        except_groups: the groups with rules of their own; only the rule for every group leaves them out.
        """
        ...

    def remove(self, kind: str, ids: Sequence[str]) -> None:
        """Delete for good, with all that belongs to it, and queue the index jobs."""
        ...


class UnitOfWork(Protocol):
    """One transaction. Leaving without commit() rolls back."""

    users: UserRows
    sessions: SessionRows
    conversations: ConversationRows
    messages: MessageRows
    turns: TurnRows
    folders: FolderRows
    files: FileRows
    generations: GenerationRows
    feedback: FeedbackRows
    audit: AuditRows
    retention: RetentionRows

    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...
    def commit(self) -> None:
        """Raises Unavailable where the store cannot write now (disk full, server gone)."""
        ...


Store = Callable[[], UnitOfWork]
