"""Compute the metrics of a comparison, and state the result in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.comparing.records import Comparison, QuestionResult, VoteChoice, VoteCounts
from core.errors import StoredError

_Z = 1.959964
NEARLY_SAME, CLOSE = 0.97, 0.9
"""Shares of the same top token from which two files count as nearly the same, or close."""


@dataclass(frozen=True, slots=True)
class ComparisonSummary:
    """Figures as llama.cpp's perplexity tool defines them. Pairs are (reference, candidate)."""

    tokens: int
    kl_mean: float
    same_top: float
    """Share of positions at which both files prefer the same token, 0 to 1."""
    kl_shares: tuple[float, ...]
    """Shares of positions in the ranges between KL_BOUNDS."""
    perplexity: tuple[float, float]
    tokens_per_second: tuple[float | None, float | None]


def summarize(results: Sequence[QuestionResult]) -> ComparisonSummary:
    tokens = sum(each.tokens for each in results) or 1
    counts = [sum(column) for column in zip(*(each.kl_counts for each in results), strict=True)]
    losses = [sum(each.losses[side] for each in results) / tokens for side in (0, 1)]
    return ComparisonSummary(
        tokens=tokens,
        kl_mean=sum(each.kl_sum for each in results) / tokens,
        same_top=sum(each.same_top for each in results) / tokens,
        kl_shares=tuple(count / tokens for count in counts),
        perplexity=(math.exp(losses[0]), math.exp(losses[1])),
        tokens_per_second=(_speed(results, 0), _speed(results, 1)),
    )


def _speed(results: Sequence[QuestionResult], side: int) -> float | None:
    seconds = sum(each.seconds[side] for each in results)
    return sum(each.generated[side] for each in results) / seconds if seconds else None


def preference_interval(votes: VoteCounts) -> tuple[float, float, float] | None:
    """Return the share of decided votes for the candidate with its 95 % Wilson score interval; None without a decided vote."""
    wins, losses = votes.get(VoteChoice.CANDIDATE, 0), votes.get(VoteChoice.REFERENCE, 0)
    n = wins + losses
    if not n:
        return None
    p = wins / n
    middle = (p + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z / (1 + _Z * _Z / n) * math.sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n))
    return p, max(0.0, middle - half), min(1.0, middle + half)


def verdict(comparison: Comparison) -> tuple[StoredError, ...]:
    """Return sentences on how close the candidate is to the reference, and what it saves."""
    metrics = summarize(comparison.results)
    name = {"candidate": comparison.candidate.quantization or comparison.candidate.path.name}
    if metrics.same_top >= NEARLY_SAME:
        closeness = "{candidate} is nearly the same."
    elif metrics.same_top >= CLOSE:
        closeness = "{candidate} is close."
    else:
        closeness = "{candidate} differs noticeably."
    top = StoredError("It picks the same next token {share} % of the time.", {"share": f"{100 * metrics.same_top:.1f}"})
    saved = comparison.reference.size_bytes - comparison.candidate.size_bytes
    if saved > 0:
        percent = round(100 * saved / comparison.reference.size_bytes)
        size = StoredError("Its file is {n} % smaller.", {"n": percent})
    else:
        percent = round(-100 * saved / max(1, comparison.reference.size_bytes))
        size = StoredError("Its file is {n} % larger.", {"n": percent}) if percent else StoredError("The files have the same size.")
    return StoredError(closeness, name), top, size
