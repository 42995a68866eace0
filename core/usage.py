"""Usage: what managers read, computed from the append-only generation rows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from core.embedding import VECTOR_SOURCES
from core.entities import FinishReason, RatedGeneration, User
from core.errors import InvalidInput
from core.permissions import Permission, require
from core.unit_of_work import Store

MAX_DAYS = 3660
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Both days are included; days are UTC."""

    first: date
    last: date
    model: str | None = None
    group: str | None = None

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise InvalidInput("The first day must not lie after the last.")
        if (self.last - self.first).days >= MAX_DAYS:
            raise InvalidInput("At most ten years fit in one report. Choose a shorter range.")

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> UsageQuery:
        """The same number of days just before."""
        return UsageQuery(self.first - timedelta(days=self.days), self.first - timedelta(days=1), self.model, self.group)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums and quantiles over some generations. None where there is nothing to measure."""

    answers: int
    people: int
    chats: int
    prompt_tokens: int
    completion_tokens: int
    errors: int
    rated: int
    rated_good: int
    latency_p50: float | None
    latency_p95: float | None
    ttft_p50: float | None
    ttft_p95: float | None
    tokens_per_second: float | None
    """Median of the answers' decoding speed."""
    queue_p50: float | None
    queue_p95: float | None
    inter_token_p95: float | None
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


@dataclass(frozen=True, slots=True)
class UsageReport:
    query: UsageQuery
    total: Totals
    before: Totals
    """The same number of days just before the range."""
    by_day: tuple[tuple[date, Totals], ...]
    """Every day of the range, empty ones too."""
    by_model: tuple[tuple[str, Totals], ...]
    by_group: tuple[tuple[str, Totals], ...]
    """Most answers first; the group "" is people without one."""


class UsageReports:
    def __init__(self, store: Store) -> None:
        self._store = store

    def report(self, user: User, query: UsageQuery) -> UsageReport:
        require(user.role, Permission.VIEW_USAGE)
        now, before = self._rows(query), self._rows(query.before)
        by_day = _grouped(now, lambda row: row.created_at.astimezone(UTC).date())
        days = [query.first + timedelta(days=n) for n in range(query.days)]
        return UsageReport(
            query,
            totals(now),
            totals(before),
            tuple((day, totals(by_day.get(day, ()))) for day in days),
            _ranked(_grouped(now, lambda row: row.model)),
            _ranked(_grouped(now, lambda row: row.group)),
        )

    def rows(self, user: User, query: UsageQuery) -> Sequence[RatedGeneration]:
        """The rows behind a report, for an export; without any text."""
        require(user.role, Permission.VIEW_USAGE)
        return self._rows(query)

    def choices(self, user: User) -> tuple[Sequence[str], Sequence[str]]:
        """The models and groups that occur in any row, for filters."""
        require(user.role, Permission.VIEW_USAGE)
        with self._store() as work:
            return work.generations.models(), work.generations.groups()

    def _rows(self, query: UsageQuery) -> Sequence[RatedGeneration]:
        since = datetime.combine(query.first, time.min, UTC)
        until = datetime.combine(query.last + timedelta(days=1), time.min, UTC)
        with self._store() as work:
            return work.generations.rated(since, until, query.model, query.group)


def totals(rows: Sequence[RatedGeneration]) -> Totals:
    """Vectors count by their tokens and people; they are nobody's answers."""
    answers = [row for row in rows if row.source not in VECTOR_SOURCES]
    answered = [row for row in answers if row.finish_reason is not FinishReason.ERROR]
    latency = sorted(row.duration_s for row in answered)
    ttft = sorted(row.ttft_s for row in answered if row.ttft_s is not None)
    speed = sorted(row.tokens_per_second for row in answered if row.tokens_per_second is not None)
    queue = sorted(row.queue_s for row in answered)
    gaps = sorted(row.inter_token_p95_s for row in answered if row.inter_token_p95_s is not None)
    return Totals(
        answers=len(answers),
        people=len({row.user_id for row in rows}),
        chats=len({row.conversation_id for row in rows if row.conversation_id}),
        prompt_tokens=sum(row.prompt_tokens for row in rows),
        completion_tokens=sum(row.completion_tokens for row in rows),
        errors=len(answers) - len(answered),
        rated=sum(row.rating is not None for row in rows),
        rated_good=sum(row.rating == 1 for row in rows),
        latency_p50=quantile(latency, 0.5),
        latency_p95=quantile(latency, 0.95),
        ttft_p50=quantile(ttft, 0.5),
        ttft_p95=quantile(ttft, 0.95),
        tokens_per_second=quantile(speed, 0.5),
        queue_p50=quantile(queue, 0.5),
        queue_p95=quantile(queue, 0.95),
        inter_token_p95=quantile(gaps, 0.95),
    )


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Linear between neighbours, as numpy's default (Hyndman and Fan 1996, type 7). None of nothing."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _grouped(rows: Iterable[RatedGeneration], key: Callable[[RatedGeneration], K]) -> dict[K, list[RatedGeneration]]:
    groups: dict[K, list[RatedGeneration]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _ranked(groups: dict[str, list[RatedGeneration]]) -> tuple[tuple[str, Totals], ...]:
    return tuple(sorted(((name, totals(rows)) for name, rows in groups.items()), key=lambda each: -each[1].answers))
