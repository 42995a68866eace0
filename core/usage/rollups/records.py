"""Define what rollups read and hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from core.inference.records import FinishReason, Source
from core.usage.rollups.sketches import Sketch


class Measure(StrEnum):
    """What a rollup keeps quantiles of. Failed answers are left out."""

    LATENCY = "latency"
    TTFT = "ttft"
    QUEUE = "queue"
    SPEED = "speed"
    """Tokens per second."""


class By(StrEnum):
    """What sums can be split by."""

    DAY = "day"
    MODEL = "model"
    PLATFORM = "platform"
    GROUP = "group"
    SOURCE = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRow:
    """What a rollup reads of a generation row, with the rating of its answer."""

    user_id: str
    group: str
    model: str
    platform: str
    source: Source
    created_at: datetime
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    queue_s: float
    ttft_s: float | None
    duration_s: float
    tokens_per_second: float | None
    device_s: float | None
    retries: int | None
    regenerated: bool
    """Whether the person had asked for another answer to the same question."""
    rating: int | None
    cost: float | None
    currency: str


@dataclass(slots=True, kw_only=True)
class Sums:
    """What can be added up. Tokens are those of all requests; the other counts are of answers."""

    rows: int = 0
    """All generation rows, also embeddings, titles and the like."""
    answers: int = 0
    errors: int = 0
    stopped: int = 0
    """Answers that people stopped."""
    cut: int = 0
    """Answers that reached the longest length allowed."""
    retries: int = 0
    regenerated: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    rated: int = 0
    rated_good: int = 0
    priced: int = 0
    """All requests with a cost."""
    cost: float = 0.0
    device_s: float = 0.0
    """Seconds that a local model computed for these requests."""

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class CellKey:
    """What the sums of a day are split by. currency: of the costs, empty without a cost."""

    model: str
    platform: str
    group: str
    source: Source
    currency: str


@dataclass(slots=True)
class Cell:
    """The sums and the sketches of one key on one day."""

    sums: Sums = field(default_factory=Sums)
    sketches: dict[Measure, Sketch] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonDay:
    """The answers that a person got from a model on a day."""

    user_id: str
    group: str
    model: str
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HourCell:
    """What happened on a platform's model in an hour. busy_s: None if nothing was measured."""

    hour: datetime
    """The start of the hour, UTC."""
    model: str
    platform: str
    answers: int
    busy_s: float | None
    queue: bytes
    """The packed sketch of the waits: years of hours are merged at once."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Counts that differ once a day's rows or ratings have changed."""

    rows: int = 0
    rated: int = 0
    good: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRollup:
    """The rollup of a day."""

    day: date
    zone: str
    """The time zone that the day belongs to."""
    signature: Signature
    computed_at: datetime
    cells: Mapping[CellKey, Cell]
    people: Sequence[PersonDay]
    hours: Sequence[HourCell]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayState:
    """A day that has a rollup."""

    zone: str
    signature: Signature
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class SumsOf:
    """The sums of a part. key: one value for each `By` that was asked for, days as ISO dates."""

    key: tuple[str, ...]
    currency: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class ActiveWeek:
    """How many people got an answer in a week. new: those whose first answer it was."""

    monday: date
    active: int
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLine:
    """An answer without its text. title: of a chat that the reader may see; None for all others."""

    at: datetime
    group: str
    model: str
    platform: str
    source: Source
    title: str | None
    finish_reason: FinishReason
    rating: int | None
    duration_s: float
    cost: float | None
    currency: str


@dataclass(frozen=True, slots=True)
class OwnAnswers:
    """How many answers of a model one person got on a day."""

    day: date
    model: str
    answers: int
