"""Combine rankings of passages, and merge neighbouring ones."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from core.documents.records import FoundPassage

K = TypeVar("K", bound=Hashable)
RANK_CONSTANT = 60
"""The usual constant of reciprocal rank fusion: how little the first ranks stand out."""
GAP = 3
"""Most characters between neighbours: the space that separates them."""


def fused(rankings: Iterable[Sequence[K]]) -> list[K]:
    """Return all keys, best first, by the sum of their reciprocal ranks."""
    scores: dict[K, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            scores[key] = scores.get(key, 0.0) + 1 / (RANK_CONSTANT + rank)
    return sorted(scores, key=lambda key: -scores[key])


def merged(passages: Sequence[FoundPassage], most_chars: int) -> list[FoundPassage]:
    """Merge passages that follow each other on the same page; the result stands where the better one stood.

    most_chars: longest merged text.
    """
    kept: list[FoundPassage] = []
    for each in passages:
        now = each
        at: int | None = None
        for index in range(len(kept) - 1, -1, -1):
            joined = _joined(kept[index], now)
            if joined is not None and len(joined.text) <= most_chars:
                now, at = joined, index
                del kept[index]
        kept.insert(len(kept) if at is None else at, now)
    return kept


def _joined(one: FoundPassage, other: FoundPassage) -> FoundPassage | None:
    """Return two passages as one; None if they are not neighbours."""
    first, last = (one, other) if one.start <= other.start else (other, one)
    gap = last.start - first.end
    if (one.document_id, one.page) != (other.document_id, other.page) or not 0 <= gap <= GAP:
        return None
    between = ("", "\n", "\n\n", "\n\n")[gap]
    return replace(
        first, end=last.end, last_line=last.last_line, text=first.text + between + last.text, score=max(one.score, other.score)
    )  # fmt: skip
