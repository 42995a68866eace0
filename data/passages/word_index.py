"""Score the passages of one collection by BM25. Exact, and without the words themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.documents.ports import IndexedDocument, Match
from data.passages.packing import hashed, unpack

_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")
_K1, _B = 1.2, 0.75
"""The usual parameters of BM25."""


class WordIndex:
    """An inverted index: for each word, the passages that have it. Immutable, so any thread may read it."""

    def __init__(self, documents: Sequence[IndexedDocument]) -> None:
        unpacked = [unpack(each.words) for each in documents]
        sizes = [len(each.lengths) for each in unpacked]
        self._ids = [each.document_id for each in documents]
        self._firsts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        passages = _joined([each.passages + first for each, first in zip(unpacked, self._firsts[:-1], strict=True)], np.int32)
        words = _joined([each.words for each in unpacked], np.uint32)
        order = np.argsort(words, kind="stable")
        self._words = words[order]
        self._passages = passages[order]
        self._counts = _joined([each.counts for each in unpacked], np.uint8)[order]
        self._lengths = _joined([each.lengths for each in unpacked], np.int32)

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def size_bytes(self) -> int:
        return sum(each.nbytes for each in (self._words, self._passages, self._counts, self._lengths))

    def match(self, words: Sequence[str], most: int) -> list[Match]:
        """Return the best passages, best first."""
        number = len(self)
        if not number:
            return []
        scores = np.zeros(number, np.float32)
        shares = np.zeros(number, np.float32)
        norms = _K1 * (1 - _B + _B * self._lengths / max(1.0, float(self._lengths.mean())))
        total = 0.0
        for word in dict.fromkeys(map(hashed, words)):
            # In the type of the words: otherwise numpy would convert all of them for each question.
            low, high = (int(np.searchsorted(self._words, np.uint32(word), side)) for side in _SIDES)
            rare = float(np.log(1 + (number - (high - low) + 0.5) / (high - low + 0.5)))
            total += rare
            at, often = self._passages[low:high], self._counts[low:high].astype(np.float32)
            scores[at] += rare * often * (_K1 + 1) / (often + norms[at])
            shares[at] += rare
        found = np.flatnonzero(scores)
        if len(found) > most:
            found = found[np.argpartition(-scores[found], most)[:most]]
        found = found[np.lexsort((found, -scores[found]))]
        documents = np.searchsorted(self._firsts, found, side="right") - 1
        return [
            Match(
                document_id=self._ids[document], position=int(at - self._firsts[document]), score=float(scores[at]),
                share=round(float(shares[at]) / total, 5),
            )
            for at, document in zip(found, documents, strict=True)
        ]  # fmt: skip


def _joined(arrays: Sequence[npt.NDArray[Any]], kind: type[Any]) -> npt.NDArray[Any]:
    return np.concatenate(arrays).astype(kind) if arrays else np.zeros(0, kind)
