"""Declare the repositories of feedback, of rating forms and of side-by-side comparisons."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from core.review.records import Comparison, Feedback, FeedbackFilter, RatingForm, ReviewState, Vote


class FeedbackRepository(Protocol):
    """Stores feedback. Every write also queues an index job in the same transaction."""

    def put(self, feedback: Feedback) -> None:
        """Insert a rating, or replace what the user said about this message before; state and note stay."""
        ...

    def remove(self, user_id: str, message_id: str) -> None:
        """Delete a rating. Has no effect if there is none."""
        ...

    def get(self, feedback_id: str) -> Feedback | None: ...
    def of_message(self, user_id: str, message_id: str) -> Feedback | None:
        """Return a person's rating of an answer."""
        ...

    def for_change(self, feedback_id: str) -> Feedback | None:
        """Read a rating and lock it until the transaction ends."""
        ...

    def find(self, filter: FeedbackFilter, limit: int, offset: int = 0, *, poor_first: bool = False) -> Sequence[Feedback]:
        """List ratings, newest first. poor_first: list all poor ones before all good ones."""
        ...

    def count(self, filter: FeedbackFilter) -> int: ...
    def counts_by_state(self, groups: Collection[str] | None = None) -> dict[ReviewState, int]: ...
    def of_groups(self, ids: Sequence[str], groups: Collection[str]) -> Collection[str]:
        """Return which of these ratings are of people of these groups."""
        ...

    def rename_group(self, old: str, new: str) -> None:
        """Give the ratings of a group its new name."""
        ...

    def review(self, feedback_id: str, state: ReviewState, note: str, reviewer_id: str | None, at: datetime) -> None: ...


class RatingFormRepository(Protocol):
    """Stores the versions of the rating form. They are never changed."""

    def newest(self) -> RatingForm | None: ...
    def get(self, version: int) -> RatingForm | None: ...
    def add(self, form: RatingForm, saved_by: str) -> None:
        """Insert a version. saved_by: the id of the person."""
        ...

    def versions(self, limit: int) -> Sequence[RatingForm]:
        """List versions, newest first."""
        ...


class ComparisonRepository(Protocol):
    """Stores side-by-side comparisons and votes."""

    def add(self, comparison: Comparison) -> None:
        """Insert a comparison. Has no effect if its question already has one."""
        ...

    def of_question(self, question_id: str) -> Comparison | None: ...
    def of_answer(self, answer_id: str) -> Comparison | None:
        """Return the comparison of the question that this message answers."""
        ...

    def vote(self, comparison_id: str, vote: Vote, preferred_id: str | None, at: datetime) -> None: ...
