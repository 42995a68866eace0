"""Define collections, their documents and passages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import StoredError
from core.prompts.records import Share

MAX_NAME_LENGTH = 80
MAX_COLLECTIONS = 100
"""Most collections of one person."""
MAX_DOCUMENTS = 2_000
"""Most documents in one collection."""
MAX_CHOSEN = 8
"""Most collections for one question."""


class DocumentState(StrEnum):
    WAITING = "waiting"
    READING = "reading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Documents of one person, and who else may read them."""

    id: str
    owner_id: str
    name: str
    share: Share
    group: str
    """The group that it is shared with; "" unless `share` is GROUP."""
    version: int
    """Rises whenever its passages change."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class CollectionName:
    """A collection that a question searches."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file of a collection, without its content."""

    id: str
    collection_id: str
    name: str
    size_bytes: int
    sha256: str
    """The hash of its content."""
    state: DocumentState
    created_at: datetime
    error: StoredError | None = None
    """Why it could not be read."""
    pages: int = 0
    """0 if it has no pages, as a text or a Word document."""
    passages: int = 0
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A part of a document's text that is found and cited as a whole."""

    position: int
    """Its index in the document."""
    start: int
    end: int
    """Offsets in the text of the document."""
    page: int
    """Counted from 1; 0 if the document has no pages."""
    first_line: int
    last_line: int
    """Lines of the document's text, counted from 1."""
    heading: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many documents of a collection are in each state, and its passages."""

    documents: int = 0
    waiting: int = 0
    """Documents that wait or are being read."""
    failed: int = 0
    passages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCollection:
    """A collection as one person sees it."""

    collection: Collection
    owner_name: str
    own: bool
    may_publish: bool
    """Whether the person may share it with everyone, or withdraw it from everyone."""
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPassage:
    """A passage that may answer a question, or several neighbouring ones."""

    collection_id: str
    collection: str
    """The name of the collection."""
    document_id: str
    document: str
    """The name of the document."""
    start: int
    end: int
    page: int
    first_line: int
    last_line: int
    heading: str
    text: str
    score: float
    """0 to 1: how much of the question it covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A passage that was given to a model for an answer. Its text is not copied, so that a removed document leaves no trace."""

    document_id: str
    document: str
    collection: str
    start: int
    end: int
    page: int
    first_line: int
    last_line: int
    heading: str
    score: float

    @classmethod
    def of(cls, found: FoundPassage) -> Source:
        return cls(
            document_id=found.document_id, document=found.document, collection=found.collection, start=found.start, end=found.end,
            page=found.page, first_line=found.first_line, last_line=found.last_line, heading=found.heading, score=found.score,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found for a question."""

    passages: tuple[FoundPassage, ...]
    """The best first; none if no passage reaches the limit."""
    best: float
    """The score of the best passage, also if it is below the limit."""
    limit: float
    seconds: float
    searched: tuple[CollectionName, ...]
    by_meaning: bool = False
    """Whether vectors were compared too."""
    reranked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPage:
    """A page of a document's text, with the passage to mark."""

    document: Document
    text: str
    start: int
    end: int
    """Offsets of the marked passage in this text."""
    page: int
    """Counted from 1; 0 if the document has no pages."""
    pages: int
