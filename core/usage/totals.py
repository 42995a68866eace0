"""What many answers add up to: counts, sums and quantiles."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts and sums are 0 and quantiles None where there is nothing to measure. Durations are seconds.

    Vectors count by their tokens and people; they are nobody's answers. Answers that failed count as errors and bend no quantile.
    """

    answers: int = 0
    people: int = 0
    chats: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    errors: int = 0
    rated: int = 0
    rated_good: int = 0
    latency_p50: float | None = None
    latency_p95: float | None = None
    ttft_p50: float | None = None
    ttft_p95: float | None = None
    tokens_per_second: float | None = None
    """Median of the answers' decoding speed."""
    queue_p50: float | None = None
    queue_p95: float | None = None
    inter_token_p95: float | None = None
    """In nineteen of twenty answers, nineteen of twenty tokens came sooner after the one before."""

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def satisfaction(self) -> float | None:
        """Share of rated answers rated good, 0 to 1."""
        return self.rated_good / self.rated if self.rated else None

    def satisfaction_interval(self) -> tuple[float, float] | None:
        """95 % Wilson score interval (Wilson 1927) of the satisfaction."""
        if not self.rated:
            return None
        n, p, z = self.rated, self.rated_good / self.rated, 1.959964
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


class CountedAnswers(Protocol):
    """The generation rows of a range, read and counted by the store. A day (UTC), model or group without rows is left out."""

    def total(self) -> Totals: ...
    def by_day(self) -> Mapping[date, Totals]: ...
    def by_model(self) -> Mapping[str, Totals]: ...
    def by_group(self) -> Mapping[str, Totals]: ...
