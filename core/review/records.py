"""Define feedback: a rating, the answer it is about, and its state in the review queue."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.inference.records import Generation

ABOUT_IMAGE = "image:"
"""Prefix of the conversation id of ratings that are about an image; the image's id follows."""


class ReviewState(StrEnum):
    NEW = "new"
    IN_REVIEW = "in_review"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingForm:
    """What a rater is asked after the thumb; all of it is optional. Each saved form is a version, and earlier ones stay."""

    version: int = 0
    """0: the portal's own form, which nobody has changed."""
    good_reasons: tuple[str, ...] = ("Correct", "Clear", "Complete", "Well sourced", "Saved time")
    poor_reasons: tuple[str, ...] = ("Wrong fact", "Out of date", "Missed the request", "No source", "Too long", "Unsafe")
    asks_score: bool = True
    """How usable the answer was, from 1 to 5."""
    asks_passage: bool = True
    """Which passage of the answer the rating is about."""
    asks_comment: bool = True
    asks_better_answer: bool = True
    saved_at: datetime | None = None
    saved_by: str | None = None
    """The sign-in name of who saved it."""

    def reasons(self, rating: int) -> tuple[str, ...]:
        """Return the reasons that a rating can have."""
        return self.good_reasons if rating > 0 else self.poor_reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingDetails:
    """What a rater answered in the form."""

    form_version: int | None = None
    """The version of the form; None if the form was not answered."""
    reasons: tuple[str, ...] = ()
    score: int | None = None
    """From 1, not usable at all, to 5, usable as it is."""
    passage: str = ""
    """The passage of the answer that the rating is about. It is deleted with the chat."""
    better_answer: str = ""
    """What the answer should have been. It is deleted with the chat."""

    @property
    def is_empty(self) -> bool:
        return self.score is None and not (self.reasons or self.passage or self.better_answer)


NO_DETAILS = RatingDetails()


@dataclass(frozen=True, slots=True)
class Feedback:
    """A rating with the rated answer. If the owner deletes the chat, the text becomes None and the rating stays."""

    id: str
    user_id: str
    user_name: str
    group: str
    conversation_id: str
    message_id: str
    model: str
    rating: int
    comment: str
    state: ReviewState
    note: str
    created_at: datetime
    updated_at: datetime
    reviewer_name: str | None = None
    question: str | None = None
    answer: str | None = None
    generation: Generation | None = None
    details: RatingDetails = NO_DETAILS
    user_full_name: str = ""
    names_hidden: bool = False
    """Whether names were taken out; user_name is then empty."""

    @property
    def run_id(self) -> str | None:
        """Return the id of the grounding run that the rating is about; None for an answer in a chat."""
        return self.message_id if self.conversation_id.startswith(ABOUT_IMAGE) else None


@dataclass(frozen=True, slots=True)
class FeedbackFilter:
    """Filters ratings; all given conditions apply. since is inclusive, until exclusive."""

    rating: int | None = None
    model: str | None = None
    state: ReviewState | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[str, ...] | None = None
    """Only ratings with these ids, which the search index found."""
    groups: Collection[str] | None = None
    """Only ratings of people of these groups; None for all."""


class Vote(StrEnum):
    """A person's vote on answers side by side."""

    ONE = "one"
    """The answer `preferred_id` is the best."""
    ALIKE = "alike"
    POOR = "poor"
    """All answers are poor."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One of the answers side by side. model: the requested model; empty for the default."""

    turn_id: str
    answer_id: str
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Answers of several models to one question, and the person's preference. It stays when its texts are deleted."""

    id: str
    user_id: str
    group: str
    conversation_id: str
    question_id: str
    lanes: tuple[Lane, ...]
    created_at: datetime
    separate: bool = False
    """Whether each model reads only its own earlier answers."""
    vote: Vote | None = None
    preferred_id: str | None = None
    voted_at: datetime | None = None
