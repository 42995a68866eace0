"""Define an experiment, its guardrails and its state."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from core.bounds import within
from core.errors import InvalidInput

MAX_NAME_LENGTH, MAX_QUESTION_LENGTH, MAX_GROUPS, MAX_DAYS = 80, 500, 100, 180


class State(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"
    """An admin stopped it, or its time is over: everybody has A."""
    STOPPED_ITSELF = "stopped_itself"
    """A guardrail was passed: everybody has A."""
    PROMOTED = "promoted"
    """Everyone in its groups has B."""


class Metric(StrEnum):
    """The metric that decides an experiment."""

    SATISFACTION = "satisfaction"
    """Good ratings among all ratings."""
    ASKED_AGAIN = "asked_again"
    """Answers that were regenerated, or whose question was asked in other words, among all whose chat is still there."""
    FIRST_TOKEN = "first_token"
    """Mean time to first token in seconds."""
    ACCEPTED = "accepted"
    """Answers that were rated good and that nobody wrote better, among all rated ones whose chat is still there."""
    COST = "cost"
    """Mean cost of an answer."""


SHARES = frozenset({Metric.SATISFACTION, Metric.ACCEPTED, Metric.ASKED_AGAIN})
"""Metrics that are shares from 0 to 1."""
OF_RATINGS = frozenset({Metric.SATISFACTION, Metric.ACCEPTED})
"""Metrics that are made of ratings; the others are made of answers."""
MORE_IS_BETTER = OF_RATINGS
ALPHA = 0.05
"""The share of experiments whose interval misses the truth at some look, before B was raised."""
MAX_RAISES = 3


class Guard(StrEnum):
    """What B must not do, whatever the metric says."""

    ERRORS = "errors"
    """Share of failed answers."""
    FIRST_TOKEN_P95 = "first_token_p95"
    """Seconds within which 95 of 100 answers begin."""
    POOR = "poor"
    """Poor ratings among all ratings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """A limit for B. It is checked from min_count answers on, or ratings for poor ones."""

    guard: Guard
    limit: float
    min_count: int = 50

    def __post_init__(self) -> None:
        within(f"limit of {self.guard}", self.limit, 0, 600 if self.guard is Guard.FIRST_TOKEN_P95 else 1)
        within("min_count", self.min_count, 5, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A guardrail that B passed."""

    guard: Guard
    value: float
    limit: float
    people: int
    """How many people had B."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What an experiment compares, for whom, and what decides it."""

    name: str
    subject: str
    """A: the model or preset that people choose."""
    other: str
    """B: the model or preset that answers some of them instead."""
    question: str = ""
    """What the experiment is to find out."""
    groups: tuple[str, ...] = ()
    """The groups that take part; empty for everybody."""
    share: int = 100
    """Percent of the people who take part."""
    to_b: int = 50
    """Percent of those who get B."""
    metric: Metric = Metric.SATISFACTION
    effect: float = 0.05
    """The smallest difference worth finding: of shares in the share, of the others relative to A."""
    baseline: float = 0.8
    """The expected value of A, from which the size is planned."""
    days: int = 14
    guardrails: tuple[Guardrail, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > MAX_NAME_LENGTH:
            raise InvalidInput("An experiment needs a name of 1 to {most} characters.", most=MAX_NAME_LENGTH)
        if len(self.question) > MAX_QUESTION_LENGTH or len(self.groups) > MAX_GROUPS:
            raise InvalidInput("The question can have {n} characters, and at most {most} groups can take part.", n=MAX_QUESTION_LENGTH,
                               most=MAX_GROUPS)  # fmt: skip
        if not self.subject.strip() or not self.other.strip() or self.subject == self.other:
            raise InvalidInput("Choose two different models or presets.")
        within("share", self.share, 1, 100)
        within("to_b", self.to_b, 1, 99)
        within("days", self.days, 1, MAX_DAYS)
        within("effect", self.effect, 0.001, 1)
        if self.metric in SHARES:
            within("baseline", self.baseline, 0.01, 0.99)
        if len({each.guard for each in self.guardrails}) < len(self.guardrails):
            raise InvalidInput("Each limit can be set only once.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """More people got B from this time on."""

    at: datetime
    to_b: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    id: str
    design: Design
    salt: str
    """Mixed into the hash that gives each person a variant, so that experiments do not split people alike."""
    planned: int
    """Answers of each variant, or ratings, that the experiment needs."""
    state: State
    started_at: datetime
    started_by: str
    ends_at: datetime
    ended_at: datetime | None = None
    trip: Trip | None = None
    raised: tuple[Raise, ...] = ()
    started_by_name: str = ""
    """Filled in when it is read."""

    @property
    def counted_from(self) -> datetime:
        """Return since when rows are counted.

        People who change from A to B would be in both variants, and later days would weigh more in B, so a raise begins the count anew.
        """
        return self.raised[-1].at if self.raised else self.started_at

    @property
    def alpha(self) -> float:
        """Return the share of experiments whose present interval misses the truth at some look.

        Each raise halves it, so that all counts of an experiment together mislead in less than 2 x ALPHA of all cases.
        """
        return float(ALPHA / 2 ** len(self.raised))

    def tag(self, side: str) -> str:
        """Return what generation rows carry as their variant. side: a or b."""
        return f"{self.id}:{side}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFigures:
    """Counts and sums of one person's answers from one variant."""

    user_id: str
    answers: int = 0
    errors: int = 0
    good: int = 0
    poor: int = 0
    timed: int = 0
    first_token_s: float = 0.0
    priced: int = 0
    cost: float = 0.0
    kept: int = 0
    """Answers whose chat is still there."""
    asked_again: int = 0
    rated: int = 0
    """Rated answers whose chat is still there."""
    accepted: int = 0

    def plus(self, other: PersonFigures) -> PersonFigures:
        """Add what the same person had at another time."""
        sums = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self) if each.name != "user_id"}
        return PersonFigures(user_id=self.user_id, **sums)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideFigures:
    """Counts and sums of all people's answers from one variant."""

    people: tuple[PersonFigures, ...] = ()
    first_token_p95: float | None = None
