"""What a search index takes and gives, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Protocol

from core.search.records import SearchHit, SearchPage, SearchQuery

COUNTED = 1000
"""How far matches are counted. What a search costs must not grow with how common its words are."""
RANKED = 500
"""The newest matches that are ranked where the best are to come first; all of them where that is fewer than were asked for."""


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
    rating: int | None = None
    folder_id: str = ""
    """Of the conversation; "" where it is in none."""
    has_file: bool = False

    @property
    def fingerprint(self) -> str:
        """16 hex digits that differ where anything but the version does; the index keeps it, for the reconciler."""
        parts = (self.text, self.owner_id, self.conversation_id, moment(self.at), self.model, self.rating, self.folder_id, self.has_file)
        return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def moment(at: datetime | None) -> str | None:
    """ISO 8601 of one length, so that text compares as time does."""
    return at.isoformat(timespec="microseconds") if at else None


class WritableIndex(Protocol):
    """Both sides of a search index; the reading side is core.ports.SearchIndex. All methods raise Unavailable.

    While it is rebuilt it is two: what is put goes into the new one, searches read the old one until `complete()`.
    """

    engine: str

    def search(self, query: SearchQuery) -> Sequence[SearchHit]: ...

    def page(self, query: SearchQuery) -> SearchPage: ...

    def prepare(self) -> None:
        """Make what the index needs to exist; cheap where it does. Called before the first put and after every failure.

        What another version of the portal made is kept for searches, and a new index begun beside it.
        """
        ...

    def is_empty(self) -> bool:
        """Whether nothing was ever put where puts go now: new, or being rebuilt."""
        ...

    def is_building(self) -> bool:
        """Whether puts go to an index that is not complete yet."""
        ...

    def rebuild(self) -> None:
        """Begin a new index beside this one; no effect while one is being built."""
        ...

    def complete(self) -> None:
        """The index being built has everything: searches move to it, and the old one is removed."""
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

    def fingerprints(self, kind: str, after: str, upto: str | None) -> Mapping[str, str]:
        """id -> fingerprint of the documents with after < id <= upto that are not tombstones. upto None: to the end."""
        ...

    def close(self) -> None: ...
