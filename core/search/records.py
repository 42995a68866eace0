"""Define search queries, hits, rejected changes and the result of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

UNRATED = 0


class DocumentKind(StrEnum):
    """Kinds of documents in the search index."""

    CONVERSATION = "conversation"
    MESSAGE = "message"
    FEEDBACK = "feedback"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A query of the search index; all given conditions apply."""

    text: str
    kind: DocumentKind
    owner_id: str | None = None
    """Only this person's documents; None searches everyone's, for reviewers."""
    limit: int = 50
    since: datetime | None = None
    """Inclusive; until is exclusive."""
    until: datetime | None = None
    model: str | None = None
    """Only answers and ratings of this model. Other kinds never match."""
    rating: int | None = None
    """1, -1, or UNRATED for answers without a rating."""
    folder_id: str | None = None
    """Only conversations in this folder, and their messages."""
    conversation_id: str | None = None
    """Only this conversation, its messages and their ratings."""
    has_file: bool = False
    """Only questions with files, and conversations that contain such questions."""
    after: tuple[datetime, str] | None = None
    """Time and id of the last hit read, for `SearchIndex.page`: only hits that follow it, newest first."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A document that matches a query."""

    kind: DocumentKind
    id: str
    conversation_id: str
    snippet: str
    """The text around the first match; each match stands between MARK_START and MARK_END."""
    at: datetime | None = None


MARK_START, MARK_END = "\ufdd0", "\ufdd1"
"""The marks around each match in a snippet: noncharacters, reserved for use inside a program. Pages and REST replace or drop them."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of hits."""

    hits: Sequence[SearchHit]
    """Newest first."""
    total: int
    """Number of matches regardless of `after`, counted up to a limit."""
    total_is_at_least: bool = False
    """Whether there are more than `total`."""


@dataclass(frozen=True, slots=True)
class RejectedIndexJob:
    """A change that the search index rejected permanently."""

    number: int
    kind: str
    document_id: str
    created_at: datetime
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The result of comparing the database and the index; differences were queued for repair."""

    started_at: datetime
    ended_at: datetime
    compared: int
    missing: int
    outdated: int
    phantom: int
    """Documents in the index but not in the database."""
