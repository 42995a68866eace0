"""Aggregate answers: counts, sums and quantiles."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts, sums and quantiles of answers. Durations are in seconds. Without rows, counts and sums are 0 and quantiles None.

    Embedding requests count by tokens and people, not as answers. Failed answers count as errors and do not enter quantiles.
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
    """Median decoding speed of the answers."""
    queue_p50: float | None = None
    queue_p95: float | None = None
    inter_token_p95: float | None = None
    """p95 over answers of each answer's p95 inter-token latency."""

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def satisfaction(self) -> float | None:
        """Return the share of rated answers rated good, 0 to 1."""
        return self.rated_good / self.rated if self.rated else None

    def satisfaction_interval(self) -> tuple[float, float] | None:
        """Return the 95 % Wilson score interval (Wilson 1927) of the satisfaction."""
        if not self.rated:
            return None
        n, p, z = self.rated, self.rated_good / self.rated, 1.959964
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


class CountedAnswers(Protocol):
    """Generation rows of a period, counted by the database. A day (UTC), model or group without rows is left out."""

    def total(self) -> Totals: ...
    def by_day(self) -> Mapping[date, Totals]: ...
    def by_model(self) -> Mapping[str, Totals]: ...
    def by_group(self) -> Mapping[str, Totals]: ...
