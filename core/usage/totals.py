"""Aggregate answers: counts, sums and quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from core.usage.figures import Share


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
        """Return the 95 % Wilson score interval of the satisfaction."""
        return Share(self.rated_good, self.rated).interval()


class CountedAnswers(Protocol):
    """Generation rows of a period, counted by the database. A day (UTC), model or group without rows is left out."""

    def total(self) -> Totals: ...
    def by_day(self) -> Mapping[date, Totals]: ...
    def by_model(self) -> Mapping[str, Totals]: ...
    def by_group(self) -> Mapping[str, Totals]: ...
