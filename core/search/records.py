"""What core and the search index say to each other: what is sought and found, what was refused, what differed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

UNRATED = 0


class DocumentKind(StrEnum):
    """What the search index holds."""

    CONVERSATION = "conversation"
    MESSAGE = "message"
    FEEDBACK = "feedback"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    text: str
    kind: DocumentKind
    owner_id: str | None = None
    """Only this person's things; None searches everybody's, for reviewers."""
    limit: int = 50
    since: datetime | None = None
    """Included; until is not."""
    until: datetime | None = None
    model: str | None = None
    """Answers and ratings have a model and a rating; nothing else matches where one of them is asked for."""
    rating: int | None = None
    """1, -1, or UNRATED: answers without one."""
    folder_id: str | None = None
    """Only conversations in this folder, and their messages."""
    has_file: bool = False
    """Only questions with files, and conversations that hold such questions."""
    after: tuple[datetime, str] | None = None
    """Time and id of a hit: only what comes after it, newest first. For SearchIndex.page."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    kind: DocumentKind
    id: str
    conversation_id: str
    snippet: str
    """The text around the first found word, each found word between MARK_START and MARK_END."""
    at: datetime | None = None


MARK_START, MARK_END = "\ufdd0", "\ufdd1"
"""Around each found word of a snippet: noncharacters, which Unicode keeps for use inside a program. Pages and REST show or drop them."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    hits: Sequence[SearchHit]
    """Newest first."""
    total: int
    """How many the index holds in all, without regard to `after`; counted to a bound only."""
    total_is_at_least: bool = False
    """Whether it holds more than `total`."""


@dataclass(frozen=True, slots=True)
class ParkedJob:
    """A change that the search index refused for good."""

    number: int
    kind: str
    document_id: str
    created_at: datetime
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One comparison of store and index; what differed was queued for repair."""

    started_at: datetime
    ended_at: datetime
    compared: int
    missing: int
    outdated: int
    phantom: int
    """The index had them, the store did not."""
