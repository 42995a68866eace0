"""Define the report on the progress of the review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from core.review.judging.records import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTimes:
    """When a complaint was opened, first worked on by a reviewer, and closed."""

    case_id: str
    opened_at: datetime
    first_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 90th percentile, in seconds, of n durations; None for both if there are too few."""

    n: int
    p50: float | None
    p90: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    day: date
    opened: int
    closed: int
    open: int
    """Open complaints at the end of the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """How long open complaints have been open."""

    under_a_day: int
    under_a_week: int
    under_a_month: int
    older: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ByReviewer:
    name: str
    closed: int
    judged: int
    to_close: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class ByTag:
    tag: str
    opened: int
    open: int
    to_close: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixes:
    """What became of fixes. Complaints only."""

    fixed: int
    """Complaints that were closed as fixed in this time, once each."""
    asked_again: int
    """Of those, the ones whose raters asked again afterwards."""
    satisfied: int
    """Of those, the ones whose raters say that the fix helped."""
    not_satisfied: int
    """Of those, the ones whose raters say that it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kappa:
    """low, high: the 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far two reviewers agree on a question that both have answered."""

    question: Question
    pairs: int
    agreed: int
    kappa: Kappa | None
    """Weighted for ratings. None for too few pairs, or if both always answer the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressReport:
    """Complaints of a number of days up to now (UTC)."""

    days: tuple[Day, ...]
    opened: int
    closed: int
    open: int
    oldest: datetime | None
    """When the oldest open complaint was opened."""
    first_look: Spread
    """The times from rating to a reviewer's first change or judgement, of complaints opened in this time."""
    to_close: Spread
    """The times from rating to outcome, of complaints closed in this time."""
    ages: Ages
    reviewers: tuple[ByReviewer, ...]
    tags: tuple[ByTag, ...]
    agreement: tuple[Agreement, ...]
    fixes: Fixes
