"""Define what the boards show. Days are those of the portal's time zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from core.usage.figures import Figure, Share
from core.usage.records import UsageQuery
from core.usage.rollups.records import ActiveWeek, Measure, Sums
from core.usage.rollups.sketches import Sketch

Money = Mapping[str, float]
"""Amounts by currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the head of the boards offers."""

    models: Sequence[str]
    groups: Sequence[str]
    targets: Sequence[str]
    """Each model on each platform, as model@platform."""
    zone: str
    today: date
    first: date | None
    """The first day with rows; None if there is none."""
    complete: bool
    """Whether the days before today are added up."""
    counted_until: datetime | None
    """When the newest day was added up last; None while earlier days are being added up."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a board. sums: None while the day is not added up, or lies before the first row: then nothing is known."""

    day: date
    sums: Sums | None
    people: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A model or group, in the period and in the one before."""

    name: str
    now: Sums
    before: Sums


@dataclass(frozen=True, slots=True)
class RatedWeek:
    monday: date
    rated: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    query: UsageQuery
    days: Sequence[Day]
    people: Figure
    new_people: int
    now: Sums
    before: Sums
    cost: Money
    cost_before: Money
    weeks: Sequence[ActiveWeek]
    rated_weeks: Sequence[RatedWeek]
    groups: Sequence[Part]
    models: Sequence[Part]
    ttft_p95: Figure
    latest: date | None
    """The last day with answers for this choice of group and model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupUse:
    """How much of a group uses the portal. members: accounts that are active now, and at least as many as got an answer."""

    name: str
    members: int
    active: int
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    query: UsageQuery
    days: Sequence[Day]
    weeks: Sequence[ActiveWeek]
    people: Figure
    new_people: int
    answers_a_person: Figure
    members: int
    groups: Sequence[GroupUse]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    query: UsageQuery
    days: Sequence[Day]
    now: Sums
    before: Sums
    models: Sequence[Part]
    groups: Sequence[Part]
    rated_weeks: Sequence[RatedWeek]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    query: UsageQuery
    days: Mapping[date, Mapping[Measure, Sketch]]
    now: Mapping[Measure, Sketch]
    before: Mapping[Measure, Sketch]
    models: Mapping[str, Mapping[Measure, Sketch]]


@dataclass(frozen=True, slots=True)
class HeatCell:
    """An hour of the week. busy: the share of the hour that a model computed; None: not measured."""

    busy: float | None
    wait_p95: float | None
    answers: int


class MachineFigure(StrEnum):
    """What the history of the machines tells of an hour. Power is in watts, all others are shares."""

    SLOTS = "slots"
    GPU = "gpu"
    GPU_MEMORY = "gpu_memory"
    POWER = "power"
    MEMORY = "memory"
    CPU = "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForecast:
    """The queue wait, p95, of the next weeks. error_s: the mean absolute error of the method in the past weeks."""

    weeks: Sequence[tuple[date, float]]
    error_s: float
    from_weeks: int
    """How many measured weeks it is from."""
    passes_limit: date | None
    """The first of these weeks that lies over the limit."""


class Remedy(StrEnum):
    """What would help against a full model."""

    MOVE_BATCHES = "move_batches"
    MORE_SLOTS = "more_slots"
    SMALLER_FILE = "smaller_file"
    ANOTHER_PLATFORM = "another_platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedies:
    """What would help, and what it is from. then: the machines in the busiest hour. quiet: hours of the week that are nearly idle."""

    then: Mapping[MachineFigure, float]
    helps: tuple[Remedy, ...]
    quiet: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    query: UsageQuery
    heat: Mapping[tuple[int, int], HeatCell]
    """By weekday (Monday is 0) and hour on the clocks of the portal's zone."""
    busiest: tuple[int, int] | None
    busy_now: Figure
    """The share of the busiest hour of the week."""
    wait_p95: Figure
    reused: Share
    """Prompt tokens that were reused."""
    reused_before: Share
    weeks: Sequence[tuple[date, float | None]]
    """The p95 wait of each week."""
    machines: Mapping[MachineFigure, Mapping[tuple[int, int], float]]
    """What the machines measured, by hour of the week. What no machine measured is absent."""
    forecast: WaitForecast | None
    """None with too little history."""
    limit_s: float | None
    """The wait from which questions are refused."""
    remedies: Remedies
