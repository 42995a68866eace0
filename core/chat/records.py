"""Define conversations, folders, messages and turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.chat.context.records import AnswerContext
from core.chat.tools.records import ToolStep
from core.errors import StoredError
from core.inference.records import Generation
from core.inference.requests import SamplingParams
from core.knowledge.records import StoredFile


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation of one person."""

    id: str
    user_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    head_id: str | None = None
    """The last message of the shown version; the transcript is the path from the root to it."""
    folder_id: str | None = None
    pinned_at: datetime | None = None
    """Pinned conversations stand above the others."""
    archived_at: datetime | None = None
    """Archived conversations are listed separately until a question is asked in them."""
    unread: bool = False
    """Whether an answer has ended that the person has not opened yet."""
    uses_instructions: bool = True
    """Whether the person's and the group's instructions apply to this conversation."""
    uses_memory: bool = True
    """Whether this conversation uses memories and proposes new ones, if the person has memory switched on."""
    tools_off: tuple[str, ...] = ()
    """The tools that the person switched off for this conversation."""
    tools_allowed: tuple[str, ...] = ()
    """The tools that may change something here without asking each time."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A group of a person's conversations. A conversation is in at most one folder."""

    id: str
    user_id: str
    name: str
    """Unique among the person's folders, ignoring case."""
    created_at: datetime


class Author(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


class MessageStatus(StrEnum):
    STREAMING = "streaming"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """The process ended while the answer was streaming; the text so far is kept."""


@dataclass(frozen=True, slots=True)
class Message:
    """One version of a question or an answer. The versions of a conversation form a tree by `parent_id`."""

    id: str
    conversation_id: str
    parent_id: str | None
    """The message before this one: an answer's question, or the answer that a question follows."""
    author: Author
    text: str
    status: MessageStatus
    created_at: datetime
    reasoning: str = ""
    error: StoredError | None = None
    generation: Generation | None = None
    rating: int | None = None
    """The conversation owner's rating of this answer: 1, -1 or None."""
    comment: str = ""
    files: tuple[StoredFile, ...] = ()
    """Files attached to this question, in the person's order."""
    pinned: bool = False
    """Whether the model always reads this message whole, with its question or answer."""
    context: AnswerContext | None = None
    """What the model read for this answer; None for questions, and if it read only the shown messages."""
    steps: tuple[ToolStep, ...] = ()
    """The tools that the model called for this answer, in order."""


@dataclass(frozen=True, slots=True)
class TurnOptions:
    """How to answer a question. model: None for the default."""

    model: str | None = None
    thinking: bool = True
    params: SamplingParams = field(default_factory=SamplingParams)
    instructions: bool = True
    """Whether to include the person's and the group's instructions."""
    own_thread: bool = False
    """Side by side: whether to read the earlier answers of this lane, if the lanes kept separate histories."""
    tools_off: tuple[str, ...] = ()
    """Tools that the model may not call, besides those that are switched off for the conversation."""
    collections: tuple[str, ...] = ()
    """Ids of the collections of documents whose passages are read with the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewQuestion:
    """A question for a conversation, with the options of each answer."""

    conversation_id: str
    text: str
    options: Sequence[TurnOptions]
    request_id: str
    files: Sequence[str] = ()
    """Ids of the person's files that were uploaded for this question."""
    replaces: str | None = None
    """The id of the question of which this is a new version. The new version keeps its files."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The work of answering one question, from its start to its final status."""

    id: str
    user_id: str
    request_id: str
    """Unique per user: sending the same request twice returns the same turn."""
    conversation_id: str
    question_id: str
    answer_id: str
    status: MessageStatus
    created_at: datetime
    lease_until: datetime
    """End of the lease, which the process that runs the turn keeps extending. After it, the turn counts as interrupted."""
    lane: int = 0
    """Index of the answer among those given side by side to one question."""


@dataclass(frozen=True, slots=True)
class TurnProgress:
    """The stored state of a turn and its answer at one moment."""

    turn_id: str
    status: MessageStatus
    text: str
    reasoning: str
    error: StoredError | None = None
    steps: tuple[ToolStep, ...] = ()
