"""Define the tables of ratings, review cases, guidelines for reviewers, and answers side by side."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.review.cases.records import CaseState, Judging
from core.review.judging.records import Seat
from core.review.records import ReviewState
from data.encryption.sealed_text import SealedProse
from data.tables.base import NUMBER, Table


class FeedbackTable(Table):
    """Ratings. No foreign keys to chats: a rating outlives its text."""

    __tablename__ = "feedback"
    __table_args__ = (
        UniqueConstraint("user_id", "message_id"),
        Index(None, "created_at"),
        Index(None, "state", "created_at"),
        Index(None, "message_id"),
        Index(None, "conversation_id"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    group_name: Mapped[str] = mapped_column(String(200))
    conversation_id: Mapped[str] = mapped_column(String(64))
    message_id: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(300))
    rating: Mapped[int]
    comment: Mapped[str] = mapped_column(SealedProse("feedback.comment"))
    form_version: Mapped[int | None]
    reasons: Mapped[str | None] = mapped_column(SealedProse("feedback.reasons"))
    """A list as JSON."""
    score: Mapped[int | None]
    passage: Mapped[str | None] = mapped_column(SealedProse("feedback.passage"))
    better_answer: Mapped[str | None] = mapped_column(SealedProse("feedback.better_answer"))
    state: Mapped[ReviewState]
    note: Mapped[str] = mapped_column(SealedProse("feedback.note"))
    reviewer_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class RatingFormTable(Table):
    """The versions of the rating form. Rows are only added."""

    __tablename__ = "rating_forms"

    version: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(SealedProse("rating_forms.body"))
    """The form as JSON."""
    saved_at: Mapped[datetime]
    saved_by: Mapped[str] = mapped_column(ForeignKey("users.id"))


class ReviewCaseTable(Table):
    """Cases. A case is deleted with its rating."""

    __tablename__ = "review_cases"
    __table_args__ = (
        Index(None, "priority", "number"),
        Index(None, "state", "complaint"),
        Index(None, "assignee_id", "state"),
        Index(None, "question_key"),
        Index(None, "judging"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    feedback_id: Mapped[str] = mapped_column(ForeignKey("feedback.id", ondelete="CASCADE"), unique=True)
    state: Mapped[CaseState]
    priority: Mapped[int]
    complaint: Mapped[bool]
    assignee_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    question_key: Mapped[str | None] = mapped_column(String(64))
    """Equal for equal questions; empty if the question is gone, null until it is computed."""
    version: Mapped[int]
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    locked_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    locked_at: Mapped[datetime | None]
    locked_until: Mapped[datetime | None]
    fix: Mapped[str] = mapped_column(SealedProse("review_cases.fix"))
    reply: Mapped[str] = mapped_column(SealedProse("review_cases.reply"))
    replied_at: Mapped[datetime | None]
    judging: Mapped[Judging] = mapped_column(server_default="open")
    second: Mapped[bool] = mapped_column(server_default=false())
    fix_model: Mapped[str] = mapped_column(String(300), server_default=text("''"))
    again_id: Mapped[str | None] = mapped_column(String(64))
    """A conversation of the rater. No foreign key: the case outlives it."""
    satisfied: Mapped[bool | None]
    correction: Mapped[str | None] = mapped_column(SealedProse("review_cases.correction"))
    fix_prompt: Mapped[str | None] = mapped_column(String(100))
    """The version of a prompt, as ID:VERSION. No foreign key: the case outlives it."""


class ReviewTagTable(Table):
    """The tags of cases."""

    __tablename__ = "review_tags"
    __table_args__ = (Index(None, "tag"),)

    case_id: Mapped[str] = mapped_column(ForeignKey("review_cases.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(40), primary_key=True)


class ReviewEventTable(Table):
    """The history of cases. Rows are only added."""

    __tablename__ = "review_events"
    __table_args__ = (Index(None, "case_id", "number"), Index(None, "actor_id", "at"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("review_cases.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    actor_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(20))
    became: Mapped[CaseState | None]
    """The new state, so that outcomes can be counted."""
    before: Mapped[str] = mapped_column(SealedProse("review_events.before"))
    after: Mapped[str] = mapped_column(SealedProse("review_events.after"))


class ReviewViewTable(Table):
    """Saved views of the queue."""

    __tablename__ = "review_views"
    __table_args__ = (Index(None, "user_id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(SealedProse("review_views.name"))
    query: Mapped[str] = mapped_column(SealedProse("review_views.query"))
    """A CaseQuery as JSON."""
    saved_at: Mapped[datetime]
    shared: Mapped[bool] = mapped_column(server_default=false())


class ReviewGuidelinesTable(Table):
    """The guidelines for reviewers, a row for each version. Rows are only added."""

    __tablename__ = "review_guidelines"

    version: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(SealedProse("review_guidelines.text"))
    author_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    saved_at: Mapped[datetime]


class ReviewQuestionsTable(Table):
    """The questions for reviewers, a row for each version. Rows are only added."""

    __tablename__ = "review_questions"

    version: Mapped[int] = mapped_column(primary_key=True)
    questions: Mapped[str] = mapped_column(SealedProse("review_questions.questions"))
    """JSON."""
    author_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    saved_at: Mapped[datetime]


class ReviewJudgementTable(Table):
    """Who judged which case, under which questions and guidelines. Deleted with the case."""

    __tablename__ = "review_judgements"
    __table_args__ = (UniqueConstraint("case_id", "seat"), UniqueConstraint("case_id", "user_id"), Index(None, "judged_at"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("review_cases.id", ondelete="CASCADE"))
    seat: Mapped[Seat]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    questions_version: Mapped[int]
    guidelines_version: Mapped[int]
    texts: Mapped[str] = mapped_column(SealedProse("review_judgements.texts"))
    """The answers in words, as JSON by the question's id."""
    judged_at: Mapped[datetime]


class ReviewAnswerTable(Table):
    """The other answers: ids of choices and numbers, so that the database can compare them."""

    __tablename__ = "review_answers"
    __table_args__ = (Index(None, "question_id"),)

    judgement_id: Mapped[str] = mapped_column(ForeignKey("review_judgements.id", ondelete="CASCADE"), primary_key=True)
    question_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(String(500))


class ComparisonTable(Table):
    """Votes on answers side by side. No foreign keys to chats: a vote outlives its texts, as a rating does."""

    __tablename__ = "comparisons"
    __table_args__ = (Index(None, "preferred_id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    group_name: Mapped[str] = mapped_column(String(200))
    conversation_id: Mapped[str] = mapped_column(String(64))
    question_id: Mapped[str] = mapped_column(String(64), unique=True)
    lanes: Mapped[dict[str, Any]]
    """Turn, answer and model of each, and whether their threads are separate; no text."""
    created_at: Mapped[datetime]
    vote: Mapped[str | None] = mapped_column(String(20))
    preferred_id: Mapped[str | None] = mapped_column(String(64))
    voted_at: Mapped[datetime | None]
