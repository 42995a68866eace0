"""What a search index takes and gives, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.entities import SearchHit, SearchQuery

KINDS = ("conversation", "message", "feedback")

MARK_START, MARK_END = "\ufdd0", "\ufdd1"
"""Around each found word of a snippet: noncharacters, which Unicode keeps for use inside a program. Pages and REST show or drop them."""


@dataclass(frozen=True, slots=True)
class Document:
    """The state of one thing at one version. A higher version replaces a lower one, never the other way round."""

    kind: str
    id: str
    version: int
    """The number of the index job that announced the change."""
    text: str | None = None
    """None: the thing is gone. The index keeps the version as a tombstone, so that an older put cannot bring it back."""
    owner_id: str = ""
    conversation_id: str = ""
    at: datetime | None = None
    model: str = ""


class WritableIndex(Protocol):
    """Both sides of a search index; the reading side is core.ports.SearchIndex. All methods raise Unavailable."""

    engine: str

    def search(self, query: SearchQuery) -> Sequence[SearchHit]: ...

    def prepare(self) -> None:
        """Make what the index needs to exist; cheap where it does. Called before the first put and after every failure."""
        ...

    def is_empty(self) -> bool:
        """Whether nothing was ever put: new, or rebuilt."""
        ...

    def put(self, documents: Sequence[Document]) -> dict[tuple[str, str], str]:
        """Write documents (at most one per kind and id), durably. Not newer than what is there: no effect, and no error.

        Returns (kind, id) -> reason for those that the index refuses for good.
        """
        ...

    def refresh(self) -> None:
        """Make everything that was put findable."""
        ...

    def ids(self, kind: str) -> Iterator[str]:
        """All documents that are not tombstones."""
        ...

    def close(self) -> None: ...
