"""Declare the repository of feedback."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.review.records import Feedback, FeedbackFilter, ReviewState


class FeedbackRepository(Protocol):
    """Every write also queues the index job, in the same transaction."""

    def put(self, feedback: Feedback) -> None:
        """Insert, or replace the rating and comment this user gave this message before; state and note stay."""
        ...

    def remove(self, user_id: str, message_id: str) -> None:
        """Take the rating back; no effect if there is none."""
        ...

    def get(self, feedback_id: str) -> Feedback | None: ...
    def for_change(self, feedback_id: str) -> Feedback | None:
        """Read it in order to change it: until the end nobody else changes it."""
        ...

    def find(self, filter: FeedbackFilter, limit: int, offset: int = 0, *, poor_first: bool = False) -> Sequence[Feedback]:
        """Newest first; with poor_first, all poor ratings before all good ones."""
        ...

    def count(self, filter: FeedbackFilter) -> int: ...
    def counts_by_state(self) -> dict[ReviewState, int]: ...
    def review(self, feedback_id: str, state: ReviewState, note: str, reviewer_id: str, at: datetime) -> None: ...
