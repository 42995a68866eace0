"""Define the rows that usage reports read, and the languages of what is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from core.errors import InvalidInput
from core.inference.records import FinishReason

MAX_DAYS = 3660


class Language(StrEnum):
    """The language of what is sent or written for somebody outside of a page."""

    EN = "en"
    ZH = "zh"



@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Filters a report. Both days are inclusive. Days of reports are UTC, those of boards in the portal's time zone."""

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
        """Return a query for the same number of days just before."""
        return UsageQuery(
            first=self.first - timedelta(days=self.days), last=self.first - timedelta(days=1), model=self.model, group=self.group
        )


@dataclass(frozen=True, slots=True)
class RatedGeneration:
    """A generation row with the rating of its answer, as the usage report reads it."""

    user_id: str
    group: str
    model: str
    source: str
    conversation_id: str | None
    created_at: datetime
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    queue_s: float
    ttft_s: float | None
    duration_s: float
    tokens_per_second: float | None
    finish_reason: FinishReason
    rating: int | None
    inter_token_p95_s: float | None = None


@dataclass(frozen=True, slots=True)
class UsagePart:
    """The usage of one person on one day from one source.

    The source is "chat", "tool", "title", "summary" or "memory" for chats, "api" for REST, or a source of vectors.
    """

    day: date
    source: str
    user_id: str
    name: str
    answers: int
    errors: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def by_page(self) -> bool:
        return self.source in ("chat", "title", "summary", "memory", "grounding", "tool")
