"""Keep the indexes of the collections that were asked last in memory, within a limit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, cast

from core.documents.ports import IndexedVectors, Load, Match, Similar
from core.documents.records import Collection
from data.passages.packing import pack
from data.passages.vector_index import VectorMatrix, pack_vectors
from data.passages.word_index import WordIndex

MAX_BYTES = 512 * 1024**2


class _Sized(Protocol):
    @property
    def size_bytes(self) -> int: ...


S = TypeVar("S", bound=_Sized)


class NumpyPassageIndex:
    """Implements PassageIndex and VectorIndex of core.documents.ports. Thread-safe."""

    def __init__(self, most_bytes: int = MAX_BYTES) -> None:
        """most_bytes: limit for all collections in memory; the one asked last is always kept."""
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._building: dict[tuple[str, str], threading.Lock] = {}
        self._kept: OrderedDict[tuple[str, str], tuple[int, _Sized]] = OrderedDict()

    def packed(self, passages: Sequence[Sequence[str]]) -> bytes:
        return pack(passages)

    def match(self, collection: Collection, load: Load, words: Sequence[str], most: int) -> Sequence[Match]:
        return self._index(collection, "", lambda: WordIndex(load())).match(words, most)

    def packed_vectors(self, rows: Sequence[Sequence[float]]) -> bytes:
        return pack_vectors(rows)

    def similar(
        self, collection: Collection, version: str, load: Callable[[], Sequence[IndexedVectors]], vector: Sequence[float], most: int
    ) -> Sequence[Similar]:
        return self._index(collection, version, lambda: VectorMatrix(load())).similar(vector, most)

    def _index(self, collection: Collection, of: str, build: Callable[[], S]) -> S:
        """Return what is kept of this version of a collection, or build it. of: "" for words, else the version of the vectors."""
        key = (collection.id, of)
        if (kept := self._get(key, collection.version)) is not None:
            return cast(S, kept)
        with self._lock:
            building = self._building.setdefault(key, threading.Lock())
        with building:  # Several questions at once build it once.
            if (kept := self._get(key, collection.version)) is not None:
                return cast(S, kept)
            index = build()
            with self._lock:
                self._kept[key] = (collection.version, index)
                self._kept.move_to_end(key)
                while len(self._kept) > 1 and sum(each.size_bytes for _, each in self._kept.values()) > self._most_bytes:
                    self._kept.popitem(last=False)
                self._building.pop(key, None)
            return index

    def _get(self, key: tuple[str, str], version: int) -> _Sized | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept[0] != version:
                return None
            self._kept.move_to_end(key)
            return kept[1]
