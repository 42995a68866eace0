"""Let people rate answers, and let reviewers read the ratings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from core.characters import without_controls
from core.chat.conversations import branch_to, own_message
from core.chat.records import Author, Message, MessageStatus
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, require, reviewed_groups, reviews_group
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.review.cases.opening import put_rating
from core.review.names import ReviewNames
from core.review.rating_forms import checked
from core.review.records import NO_DETAILS, Feedback, FeedbackFilter, RatingDetails, ReviewState
from core.search.of_groups import ratings_with
from core.search.ports import SearchIndex
from core.search.records import DocumentKind, SearchQuery
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_COMMENT = 4000
PAGE = 500
RECORD_AGAIN_AFTER = timedelta(hours=1)
"""Interval after which opening the same case is recorded again."""


@dataclass(frozen=True, slots=True)
class Case:
    """A rating with the chat that led to it."""

    feedback: Feedback
    branch: tuple[Message, ...]
    """Messages from the chat's first question to the rated answer; empty if the owner has deleted the chat."""


class FeedbackQueue:
    """Stores ratings, and lists and reads them."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, search: SearchIndex, clock: Clock, privacy: PrivacyFilter, names: ReviewNames
    ) -> None:
        self._unit_of_work = unit_of_work
        self._search = search
        self._clock = clock
        self._privacy = privacy
        self._names = names
        self._opened: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()

    def rate(self, user: User, message_id: str, rating: int, comment: str = "", details: RatingDetails = NO_DETAILS) -> None:
        """Rate one of the person's answers: 1 good, -1 poor, 0 removes the rating. A new rating replaces all of the old one.

        details: what the rating form asks. Raises InvalidInput, NotFound, and Conflict while the answer is running.
        """
        require(user, Permission.RATE)
        if rating not in (-1, 0, 1):
            raise InvalidInput("A rating must be 1 (good), -1 (poor) or 0 (none).")
        if len(comment) > MAX_COMMENT:
            raise InvalidInput("A comment can have at most {limit} characters.", limit=MAX_COMMENT)
        now = self._clock()
        with self._unit_of_work() as work:
            message = own_message(work, user, message_id, Permission.RATE)
            if message.author is not Author.ASSISTANT:
                raise NotFound("This answer does not exist. It may have been deleted.")
            if message.status is MessageStatus.STREAMING:
                raise Conflict("The answer is still running. Rate it once it is finished.")
            if rating == 0:
                work.feedback.remove(user.id, message_id)
            else:
                model = message.generation.model if message.generation else ""
                put_rating(
                    work,
                    Feedback(
                        id=uuid4().hex,
                        user_id=user.id,
                        user_name=user.name,
                        group=user.group,
                        conversation_id=message.conversation_id,
                        message_id=message_id,
                        model=model,
                        rating=rating,
                        comment=without_controls(comment).strip(),
                        state=ReviewState.NEW,
                        note="",
                        created_at=now,
                        updated_at=now,
                        details=checked(work, details, rating, message.text),
                    ),
                )
            work.commit()

    def own(self, user: User, message_id: str) -> Feedback | None:
        """Return the person's own rating of an answer; None if there is none."""
        require(user, Permission.RATE)
        with self._unit_of_work() as work:
            return work.feedback.of_message(user.id, message_id)

    def find(
        self, user: User, filter: FeedbackFilter, text: str = "", limit: int = 100, offset: int = 0, *, poor_first: bool = False
    ) -> tuple[list[Feedback], int]:
        """Return one page of ratings, newest first, and the total count.

        text: words in question, answer, comment or note. poor_first: list all poor ratings before all good ones.
        """
        require(user, Permission.REVIEW_FEEDBACK)
        narrowed = self._narrow(user, filter, text)
        with self._unit_of_work() as work:
            found, total = work.feedback.find(narrowed, limit, offset, poor_first=poor_first), work.feedback.count(narrowed)
        return [self._names.of_rating(each) for each in found], total

    def all(self, user: User, filter: FeedbackFilter, text: str = "") -> Iterator[Feedback]:
        """Yield every match for an export, and record the export in the audit log."""
        require(user, Permission.REVIEW_FEEDBACK)
        require(user, Permission.EXPORT)
        narrowed = self._narrow(user, filter, text)
        with self._unit_of_work() as work:
            details = {"rows": str(work.feedback.count(narrowed)), "words": text.strip()[:200]}
            record(work, self._clock(), user.id, "feedback.export", "feedback", **details)
            work.commit()
        change = self._privacy.exported(user)
        offset = 0
        while True:
            with self._unit_of_work() as work:
                rows = work.feedback.find(narrowed, PAGE, offset)
            yield from (replace(each, **_changed(change, each)) for each in map(self._names.of_rating, rows))
            if len(rows) < PAGE:
                return
            offset += PAGE

    def get(self, user: User, feedback_id: str) -> Feedback:
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            found = _reviewed(work, user, feedback_id)
        return self._as_seen(user, found)

    def open(self, user: User, feedback_id: str) -> Case:
        """Return the rating with the chat that led to it. The audit log records this once an hour per person and case."""
        require(user, Permission.REVIEW_FEEDBACK)
        now = self._clock()
        with self._unit_of_work() as work:
            found = _reviewed(work, user, feedback_id)
            branch = branch_to(work.messages.of_conversation(found.conversation_id), found.message_id)
            if self._is_first_opening(user.id, feedback_id, now):
                record(work, now, user.id, "feedback.open", feedback_id, **self._names.audited(found))
                work.commit()
        shown = self._as_seen(user, found)
        return Case(shown, self._names.of_branch(found, branch) if shown.names_hidden else tuple(branch))

    def _as_seen(self, user: User, rating: Feedback) -> Feedback:
        """Return a rating with names only while this person has revealed those of its case."""
        if not self._names.hidden:
            return rating
        with self._unit_of_work() as work:
            case = work.cases.of_feedback(rating.id)
        return self._names.of_rating(rating) if case is None else self._names.of_case(user, replace(case, feedback=rating)).feedback

    def _is_first_opening(self, user_id: str, feedback_id: str, now: datetime) -> bool:
        with self._lock:
            self._opened = {key: at for key, at in self._opened.items() if now - at < RECORD_AGAIN_AFTER}
            return self._opened.setdefault((user_id, feedback_id), now) is now

    def counts(self, user: User) -> dict[ReviewState, int]:
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            return work.feedback.counts_by_state(reviewed_groups(user))

    def _narrow(self, user: User, filter: FeedbackFilter, text: str) -> FeedbackFilter:
        groups = reviewed_groups(user)
        if not text.strip():
            return replace(filter, groups=groups)
        query = SearchQuery(
            text=text, kind=DocumentKind.FEEDBACK, since=filter.since, until=filter.until, model=filter.model,
            rating=filter.rating,
        )  # fmt: skip
        return replace(filter, groups=groups, ids=ratings_with(self._search, self._unit_of_work, query, groups))


def _reviewed(work: UnitOfWork, user: User, feedback_id: str) -> Feedback:
    """Return a rating. Refuse one of a group that this person does not review like one that does not exist."""
    found = work.feedback.get(feedback_id)
    if found is None or not reviews_group(user, found.group):
        raise NotFound("This feedback does not exist. The rating may have been withdrawn.")
    return found


def _changed(change: Callable[[str], str], feedback: Feedback) -> dict[str, Any]:
    """Return the texts of an exported rating without the personal data that must not be exported."""
    texts = {name: getattr(feedback, name) for name in ("comment", "note", "question", "answer")}
    said = feedback.details
    details = replace(said, passage=change(said.passage), better_answer=change(said.better_answer))
    return {**{name: change(text) for name, text in texts.items() if text}, "details": details}
