"""Define the rows that usage reports read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from core.inference.records import FinishReason


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
