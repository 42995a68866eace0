"""The things the portal keeps. All times are timezone-aware UTC; all durations are seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.attachment import StoredFile
from core.permissions import Role


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    """What the person types to sign in; lower case, unique."""
    full_name: str
    role: Role
    group: str
    active: bool
    created_at: datetime
    language: str | None = None
    """"en", "zh", or None: what the browser asks for."""
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the sign-in check needs; never leaves core, data and the sign-in form."""

    user: User
    password_hash: str
    failures: int
    locked_until: datetime | None


class SessionKind(StrEnum):
    BROWSER = "browser"
    API = "api"


@dataclass(frozen=True, slots=True)
class Session:
    token_hash: str
    """SHA-256, hex, of the random token; the token itself is stored nowhere."""
    user_id: str
    kind: SessionKind
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    user_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    head_id: str | None = None
    """The last message of the version being shown; the transcript is the way from the root to it."""
    folder_id: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """Conversations that a person keeps together. Each is in one folder, or in none."""

    id: str
    user_id: str
    name: str
    """Unique among the person's folders, whatever the case of its letters."""
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
    """The process ended in the middle of the answer; the text so far is kept."""


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens whose KV cache was reused; part of prompt_tokens."""


@dataclass(frozen=True, slots=True)
class Timings:
    queue_s: float = 0.0
    ttft_s: float | None = None
    """From the question's arrival to its first token; None if there was none."""
    duration_s: float = 0.0
    tokens_per_second: float | None = None
    """Completion tokens after the first, over the time they took."""
    thinking_s: float | None = None
    """From the first token to the first one after the reasoning; None where there was no reasoning."""
    inter_token_p50_s: float | None = None
    """Between one token and the next; None below two tokens."""
    inter_token_p95_s: float | None = None
    steps: int = 0
    """Decodes of the engine that this answer took part in, those that read its prompt included."""
    prefill_tokens: int = 0
    """Prompt tokens that were computed; the others were remembered."""
    prefill_s: float | None = None
    """What the steps took that read the prompt; others were served in them too. None if none did."""
    guessed_tokens: int = 0
    """Guesses of the speculation that were checked for this answer."""
    guessed_right: int = 0
    """Those of them that came true."""
    retries: int = 0
    """How often it went wrong and was continued with safer sampling."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One append-only row per generation; it outlives the chat it came from."""

    id: str
    user_id: str
    group: str
    created_at: datetime
    model: str
    model_version: str
    """The GGUF's fingerprint, so that a swapped file is told apart from its namesake."""
    platform: str
    usage: Usage
    timings: Timings
    finish_reason: FinishReason
    source: str
    """"chat" for the page, "api" for REST."""
    conversation_id: str | None = None
    message_id: str | None = None
    error: str | None = None
    variant: str | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    conversation_id: str
    parent_id: str | None
    """What this follows: an answer follows its question, a question the answer before it."""
    author: Author
    text: str
    status: MessageStatus
    created_at: datetime
    reasoning: str = ""
    error: str | None = None
    generation: Generation | None = None
    rating: int | None = None
    """The conversation owner's rating of this answer: 1, -1 or None."""
    comment: str = ""
    files: tuple[StoredFile, ...] = ()
    """What was attached to this question, in the person's order."""


@dataclass(frozen=True, slots=True)
class Turn:
    id: str
    user_id: str
    request_id: str
    """Unique per user: the same request sent twice is one turn."""
    conversation_id: str
    question_id: str
    answer_id: str
    status: MessageStatus
    created_at: datetime
    lease_until: datetime
    """The process that runs the turn keeps moving this ahead; once past, the turn was interrupted."""


class ReviewState(StrEnum):
    NEW = "new"
    IN_REVIEW = "in_review"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Feedback:
    """A rating with the answer it is about. The text is gone (None) once the owner deleted the chat; the rating stays."""

    id: str
    user_id: str
    user_name: str
    group: str
    conversation_id: str
    message_id: str
    model: str
    rating: int
    comment: str
    state: ReviewState
    note: str
    created_at: datetime
    updated_at: datetime
    reviewer_name: str | None = None
    question: str | None = None
    answer: str | None = None
    generation: Generation | None = None


@dataclass(frozen=True, slots=True)
class FeedbackFilter:
    """All given conditions hold together. since is included, until is not."""

    rating: int | None = None
    model: str | None = None
    state: ReviewState | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[str, ...] | None = None
    """Only these: what the search index found."""


@dataclass(frozen=True, slots=True)
class RatedGeneration:
    """What the usage report reads: a generation row and the rating of its answer."""

    user_id: str
    group: str
    model: str
    source: str
    conversation_id: str | None
    created_at: datetime
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    queue_s: float
    ttft_s: float | None
    duration_s: float
    tokens_per_second: float | None
    finish_reason: FinishReason
    rating: int | None
    inter_token_p95_s: float | None = None


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to what; written in the transaction that did it."""

    at: datetime
    actor_id: str | None
    """None: the portal itself, or the command line."""
    action: str
    """A noun and a verb, e.g. "user.disable"."""
    subject: str
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A stored event. id: its number, 16 digits."""

    id: str
    event: AuditEvent
    actor_name: str | None = None


THE_PORTAL = ""
"""In place of a person's id: what the portal itself and the command line did."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """All given conditions hold together. since is included, until is not."""

    action: str | None = None
    actor_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[str, ...] | None = None
    """Only these: what the search index found."""


EVERY_GROUP = "*"


@dataclass(frozen=True, slots=True)
class RetentionRule:
    kind: str
    """"chats", "files", "feedback" or "audit"."""
    group: str
    """EVERY_GROUP: all groups without a rule of their own."""
    days: int


@dataclass(frozen=True, slots=True)
class LegalHold:
    user_id: str
    user_name: str
    reason: str
    placed_at: datetime
