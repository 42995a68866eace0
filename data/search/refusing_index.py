"""Replace the search index if the database is encrypted and readable text outside it is not allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NoReturn

from core.errors import Unavailable
from core.search.records import SearchHit, SearchPage, SearchQuery
from data.search.port import Document

EMBEDDED_OFF = (
    "Search is off: the chats are encrypted, and the embedded index would store them in readable form. An admin can allow that with "
    "PORTAL_INDEX_PLAINTEXT=true."
)
ELASTICSEARCH_OFF = (
    "Search is off: the chats are encrypted, and Elasticsearch would store them in readable form on its own disks. An admin can allow "
    "that with PORTAL_INDEX_PLAINTEXT=true."
)


class RefusingIndex:
    """Implements data.search.port.WritableIndex: holds nothing, and its searches raise an error that says why. Deletes an index from before
    encryption."""

    engine = "none"

    def __init__(self, forget: Callable[[], None], sentence: str) -> None:
        """forget: deletes the readable index that may exist. sentence: EMBEDDED_OFF or ELASTICSEARCH_OFF."""
        self._forget = forget
        self._sentence = sentence

    def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        self._refuse()

    def page(self, query: SearchQuery) -> SearchPage:
        self._refuse()

    def prepare(self) -> None:
        self._forget()

    def is_empty(self) -> bool:
        return False  # Otherwise the worker would fill it.

    def is_building(self) -> bool:
        return False

    def rebuild(self) -> None:
        self._refuse()

    def complete(self) -> None: ...

    def put(self, documents: Sequence[Document]) -> dict[tuple[str, str], str]:
        return {}

    def refresh(self) -> None: ...

    def ids(self, kind: str) -> Iterator[str]:
        return iter(())

    def fingerprints(self, kind: str, after: str, upto: str | None) -> Mapping[str, str]:
        self._refuse()

    def close(self) -> None: ...

    def _refuse(self) -> NoReturn:
        raise Unavailable(self._sentence)
