"""Declare the interface of a search index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Protocol

from core.search.records import SearchHit, SearchPage, SearchQuery

COUNTED = 1000
"""Matches are counted up to this number. The cost of a search must not grow with how common its words are."""
RANKED = 500
"""Newest matches that are ranked for best-first order; more if the query asks for more."""


@dataclass(frozen=True, slots=True)
class Document:
    """The state of one row at one version. A higher version replaces a lower one, never the reverse."""

    kind: str
    id: str
    version: int
    """The number of the index job that announced the change."""
    text: str | None = None
    """None means deleted. The index keeps the version as a tombstone, so that an older put cannot restore it."""
    owner_id: str = ""
    conversation_id: str = ""
    at: datetime | None = None
    model: str = ""
    rating: int | None = None
    folder_id: str = ""
    """The conversation's folder; "" if it has none."""
    has_file: bool = False

    @property
    def fingerprint(self) -> str:
        """Return 16 hex digits that differ if anything but the version does; the index stores it for the reconciler."""
        parts = (self.text, self.owner_id, self.conversation_id, moment(self.at), self.model, self.rating, self.folder_id, self.has_file)
        return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def moment(at: datetime | None) -> str | None:
    """Format a time as fixed-length ISO 8601, so that the texts sort as the times do."""
    return at.isoformat(timespec="microseconds") if at else None


class WritableIndex(Protocol):
    """Both sides of a search index; the reading side is core's SearchIndex. All methods raise Unavailable.

    During a rebuild it is two: puts go to the new one, searches read the old one until `complete()`.
    """

    engine: str

    def search(self, query: SearchQuery) -> Sequence[SearchHit]: ...

    def page(self, query: SearchQuery) -> SearchPage: ...

    def prepare(self) -> None:
        """Create what the index needs, if it does not exist yet. Called before the first put and after every failure.

        An index of another version of the portal is kept for searches, and a new index is started beside it.
        """
        ...

    def is_empty(self) -> bool:
        """Tell whether the current write index has never received a document: it is new, or being rebuilt."""
        ...

    def is_building(self) -> bool:
        """Tell whether puts go to an index that is not complete yet."""
        ...

    def rebuild(self) -> None:
        """Start a new index beside this one; has no effect while one is being built."""
        ...

    def complete(self) -> None:
        """Declare the new index complete: searches move to it, and the old one is deleted."""
        ...

    def put(self, documents: Sequence[Document]) -> dict[tuple[str, str], str]:
        """Write documents (at most one per kind and id), durably. Documents that are not newer than the index are ignored.

        Returns (kind, id) -> reason for those that the index rejects permanently.
        """
        ...

    def refresh(self) -> None:
        """Make all documents put so far searchable."""
        ...

    def ids(self, kind: str) -> Iterator[str]:
        """Yield the ids of all documents that are not tombstones."""
        ...

    def fingerprints(self, kind: str, after: str, upto: str | None) -> Mapping[str, str]:
        """Return id -> fingerprint of the documents with after < id <= upto that are not tombstones. upto None: to the end."""
        ...

    def close(self) -> None: ...
