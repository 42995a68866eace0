"""Keep the indexes of the collections that were asked last in memory, within a limit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from core.documents.ports import Load, Match
from core.documents.records import Collection
from data.passages.packing import pack
from data.passages.word_index import WordIndex

MAX_BYTES = 512 * 1024**2


class NumpyPassageIndex:
    """Implements core.documents.ports.PassageIndex. Thread-safe."""

    def __init__(self, most_bytes: int = MAX_BYTES) -> None:
        """most_bytes: limit for all collections in memory; the one asked last is always kept."""
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._building: dict[str, threading.Lock] = {}
        self._kept: OrderedDict[str, tuple[int, WordIndex]] = OrderedDict()

    def packed(self, passages: Sequence[Sequence[str]]) -> bytes:
        return pack(passages)

    def match(self, collection: Collection, load: Load, words: Sequence[str], most: int) -> Sequence[Match]:
        return self._index(collection, load).match(words, most)

    def _index(self, collection: Collection, load: Load) -> WordIndex:
        if (kept := self._get(collection)) is not None:
            return kept
        with self._lock:
            building = self._building.setdefault(collection.id, threading.Lock())
        with building:  # Several questions at once build it once.
            if (kept := self._get(collection)) is not None:
                return kept
            index = WordIndex(load())
            with self._lock:
                self._kept[collection.id] = (collection.version, index)
                self._kept.move_to_end(collection.id)
                while len(self._kept) > 1 and sum(each.size_bytes for _, each in self._kept.values()) > self._most_bytes:
                    self._kept.popitem(last=False)
                self._building.pop(collection.id, None)
            return index

    def _get(self, collection: Collection) -> WordIndex | None:
        with self._lock:
            kept = self._kept.get(collection.id)
            if kept is None or kept[0] != collection.version:
                return None
            self._kept.move_to_end(collection.id)
            return kept[1]
