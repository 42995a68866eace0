"""What core needs from the outside, as Protocols. data/ and models/ implement them; bootstrap connects them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from core.backup import BackupContents, BackupFile, Progress, StoreFacts
from core.embedding import EmbeddingRequest, RerankRequest, RunningEmbedding
from core.entities import (
    AuditEntry,
    AuditEvent,
    AuditFilter,
    Conversation,
    Credentials,
    Feedback,
    FeedbackFilter,
    Generation,
    LegalHold,
    Message,
    MessageStatus,
    ParkedJob,
    RatedGeneration,
    Reconciliation,
    RetentionRule,
    ReviewState,
    SearchHit,
    SearchPage,
    SearchQuery,
    Session,
    Turn,
    User,
)
from core.generation import (
    AdapterFile,
    DeviceMemory,
    GenerationRequest,
    LoadedModel,
    LoadSettings,
    MemoryPlan,
    ModelFile,
    RunningGeneration,
)
from core.totals import CountedAnswers

Clock = Callable[[], datetime]
"""The time now, timezone-aware UTC."""


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

    def add(self, conversation: Conversation) -> None: ...
    def get(self, conversation_id: str) -> Conversation | None: ...
    def of_user(self, user_id: str, limit: int, before: datetime | None = None) -> Sequence[Conversation]:
        """Newest change first; `before` continues a listing."""
        ...

    def by_ids(self, user_id: str, ids: Sequence[str]) -> Sequence[Conversation]:
        """Those of `ids` that exist and belong to the user, in the order of `ids`."""
        ...

    def save(self, conversation: Conversation) -> None: ...
    def remove(self, conversation_id: str) -> None:
        """With its messages and turns. Generation rows and ratings stay, without text."""
        ...


class MessageRows(Protocol):
    """Adding and finishing also queue the index job, in the same transaction; a checkpoint does not."""

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
    def counted(self, since: datetime, until: datetime, model: str | None = None, group: str | None = None) -> CountedAnswers:
        """What the rows created in [since, until) add up to."""
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
    def find(self, filter: FeedbackFilter, limit: int, offset: int = 0) -> Sequence[Feedback]:
        """Newest first."""
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


class SearchIndex(Protocol):
    engine: str
    """"sqlite", "postgresql", "elasticsearch", or "none" where search is off."""

    def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        """Best first. A word query: all words must occur. Raises Unavailable."""
        ...

    def page(self, query: SearchQuery) -> SearchPage:
        """The same words and filters, newest first, continued by `query.after`. Raises Unavailable."""
        ...


class IndexJobs(Protocol):
    """What the index does not know yet."""

    def pending(self) -> int:
        """Changes the index has still to take. Raises Unavailable."""
        ...

    def behind(self, now: datetime) -> float:
        """Seconds since the oldest change that waits for the index; 0 if none does. Raises Unavailable."""
        ...


class IndexKeeper(IndexJobs, Protocol):
    def is_rebuilding(self) -> bool: ...
    def rebuild(self) -> None:
        """Begin a new index beside this one. Raises Unavailable."""
        ...


class ParkedJobs(Protocol):
    """Changes the index refused for good. All raise Unavailable."""

    def count(self) -> int: ...
    def oldest(self, limit: int, after: int = 0) -> Sequence[ParkedJob]: ...
    def retry(self, number: int | None) -> int:
        """Queue one again, or all; returns how many."""
        ...


class Reconciler(Protocol):
    @property
    def running(self) -> bool: ...
    @property
    def last(self) -> Reconciliation | None: ...
    def ask(self) -> None:
        """Compare store and index soon; returns at once."""
        ...


class StoreInspector(Protocol):
    def facts(self) -> StoreFacts:
        """Raises Unavailable."""
        ...


class BackupFolder(Protocol):
    """The folder with backups, and what makes them. Names are plain file names that all() gave, or new ones."""

    @property
    def path(self) -> Path: ...
    def all(self) -> Sequence[BackupFile]:
        """Newest first; none where there is no folder yet."""
        ...

    def write(self, name: str, passphrase: str | None, progress: Progress) -> BackupFile:
        """The store of this moment, verified. Raises Conflict if the name is taken, StartFailed if it cannot be written."""
        ...

    def check(self, name: str, passphrase: str | None, progress: Progress) -> BackupContents:
        """Read to the end. Raises InvalidInput for a file that is not whole or a wrong passphrase, NotFound if it is gone."""
        ...

    def remove(self, name: str) -> None:
        """Raises NotFound if it is gone."""
        ...


class PasswordHasher(Protocol):
    def hash(self, password: str) -> str: ...
    def matches(self, password: str, password_hash: str) -> bool: ...


class Router(Protocol):
    """Finds the model for a request and starts it there."""

    def start(self, request: GenerationRequest) -> RunningGeneration:
        """Raises NotFound (no such model), Unavailable (none loaded), Busy (queue full), InvalidInput (prompt too long)."""
        ...

    def embed(self, request: EmbeddingRequest) -> RunningEmbedding:
        """Raises NotFound, Unavailable, Busy, and InvalidInput (a model of another kind, an input that is too long)."""
        ...

    def rerank(self, request: RerankRequest) -> RunningEmbedding:
        """One row of one number for each document. Raises as embed."""
        ...

    def models(self) -> Sequence[LoadedModel]:
        """The models of every kind that can be asked now, the default for chats first."""
        ...


class ModelPool(Protocol):
    """The models in this process."""

    def loaded(self) -> Sequence[LoadedModel]:
        """All, with those loading, draining and failed."""
        ...

    def files(self) -> Sequence[ModelFile]:
        """The GGUFs in the models folder and the built-in one, unusable ones with their error."""
        ...

    def adapters(self) -> Sequence[AdapterFile]:
        """The LoRA adapters in the models folder, unusable ones with their error."""
        ...

    def read_file(self, path: Path) -> ModelFile:
        """Raises InvalidInput with the reason if it is missing, truncated, not a GGUF, or of an unknown architecture."""
        ...

    def plan(self, file: ModelFile, settings: LoadSettings) -> MemoryPlan:
        """Raises InvalidInput for settings that do not suit the file or the machine."""
        ...

    def remembered(self, path: Path) -> LoadSettings | None:
        """How this file was loaded last; None if it never was."""
        ...

    def load(self, path: Path, settings: LoadSettings, *, default: bool = False) -> LoadedModel:
        """Start loading in the background; follow it in loaded(). Raises InvalidInput, Conflict (already loaded)."""
        ...

    def metrics(self) -> Mapping[str, object]:
        """By model name, a moment of its engine: an object whose fields are numbers and spreads, for graphs."""
        ...

    def memory(self) -> Sequence[DeviceMemory]:
        """What the host and each GPU have now."""
        ...

    def make_default(self, name: str) -> None:
        """Raises NotFound, Conflict (not ready, not for chats)."""
        ...

    def unload(self, name: str) -> None:
        """Let running answers finish (30 s at most), then free the memory. Returns at once. Raises NotFound."""
        ...
