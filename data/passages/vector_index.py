"""Compare a question with the passages of one collection by their vectors. Exact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.documents.ports import IndexedVectors, Similar

_HEAD = 4
USUAL, WEIGHT = 0.3, 10
"""The similarity of a usual passage is the mean in the collection. A small collection counts as if it had WEIGHT more passages, of
similarity USUAL."""


def pack_vectors(rows: Sequence[Sequence[float]]) -> bytes:
    """Pack vectors with two bytes a number, which changes a similarity by less than a thousandth."""
    matrix = np.array(rows, np.float16).reshape(len(rows), -1)
    return matrix.shape[1].to_bytes(_HEAD, "little") + matrix.tobytes()


def _unpacked(packed: bytes) -> npt.NDArray[np.float32]:
    width = int.from_bytes(packed[:_HEAD], "little")
    return np.frombuffer(packed, np.float16, offset=_HEAD).astype(np.float32).reshape(-1, max(1, width))


class VectorMatrix:
    """The vectors of all passages, of length 1. Immutable, so any thread may read it."""

    def __init__(self, documents: Sequence[IndexedVectors]) -> None:
        matrices = [_unpacked(each.vectors) for each in documents]
        self._ids = [each.document_id for each in documents]
        self._firsts = np.concatenate([[0], np.cumsum([len(each) for each in matrices])]).astype(np.int64)
        matrix = np.concatenate(matrices) if matrices else np.zeros((0, 1), np.float32)
        self._matrix = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)

    @property
    def size_bytes(self) -> int:
        return int(self._matrix.nbytes)

    def similar(self, vector: Sequence[float], most: int) -> list[Similar]:
        """Return the most similar passages, best first."""
        asked = np.asarray(vector, np.float32)
        if not len(self._matrix) or self._matrix.shape[1] != len(asked):
            return []
        found = self._matrix @ (asked / max(float(np.linalg.norm(asked)), 1e-9))
        usual = (float(found.sum()) + WEIGHT * USUAL) / (len(found) + WEIGHT)
        best = np.argpartition(-found, most)[:most] if len(found) > most else np.arange(len(found))
        best = best[np.argsort(-found[best], kind="stable")]
        documents = np.searchsorted(self._firsts, best, side="right") - 1
        return [
            Similar(
                document_id=self._ids[document], position=int(at - self._firsts[document]),
                score=round(min(1.0, max(0.0, (float(found[at]) - usual) / max(1e-9, 1 - usual))), 5),
            )
            for at, document in zip(best, documents, strict=True)
        ]  # fmt: skip
