"""Let people rate answers, and let admins work through the review queue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from core.characters import without_controls
from core.chat.conversations import own_message, path
from core.chat.records import Author, Message, MessageStatus
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.notices.giving import feedback_resolved
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.privacy.ports import OwnPatterns
from core.review.records import Feedback, FeedbackFilter, ReviewState
from core.search.ports import SearchIndex
from core.search.records import DocumentKind, SearchQuery
from core.unit_of_work import UnitOfWorkFactory

MAX_COMMENT = 4000
PAGE = 500
LOOK_AGAIN = timedelta(hours=1)
"""Interval after which opening the same case is recorded again."""


@dataclass(frozen=True, slots=True)
class Case:
    """A rating with the chat that led to it."""

    feedback: Feedback
    way: tuple[Message, ...]
    """Messages from the chat's first question to the rated answer; empty if the owner has deleted the chat."""


class FeedbackQueue:
    """Stores ratings, and lists and reviews them."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, search: SearchIndex, clock: Clock, patterns: OwnPatterns | None = None) -> None:
        self._unit_of_work = unit_of_work
        self._search = search
        self._clock = clock
        self._privacy = PrivacyFilter(unit_of_work, clock, patterns)
        self._looks: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()

    def rate(self, user: User, message_id: str, rating: int, comment: str = "") -> None:
        """Rate one of the person's answers: 1 good, -1 poor, 0 removes the rating. A new rating replaces the old one and its comment."""
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
                work.feedback.put(
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
                    )
                )
            work.commit()

    def find(
        self, user: User, filter: FeedbackFilter, text: str = "", limit: int = 100, offset: int = 0, *, poor_first: bool = False
    ) -> tuple[list[Feedback], int]:
        """Return one page of ratings, newest first, and the total count.

        text: words in question, answer, comment or note. poor_first: list all poor ratings before all good ones.
        """
        require(user, Permission.REVIEW_FEEDBACK)
        narrowed = self._narrow(filter, text)
        with self._unit_of_work() as work:
            return list(work.feedback.find(narrowed, limit, offset, poor_first=poor_first)), work.feedback.count(narrowed)

    def all(self, user: User, filter: FeedbackFilter, text: str = "") -> Iterator[Feedback]:
        """Yield every match for an export, and record the export in the audit log."""
        require(user, Permission.REVIEW_FEEDBACK)
        require(user, Permission.EXPORT)
        narrowed = self._narrow(filter, text)
        with self._unit_of_work() as work:
            details = {"rows": str(work.feedback.count(narrowed)), "words": text.strip()[:200]}
            record(work, self._clock(), user.id, "feedback.export", "feedback", **details)
            work.commit()
        change = self._privacy.exported(user)
        offset = 0
        while True:
            with self._unit_of_work() as work:
                rows = work.feedback.find(narrowed, PAGE, offset)
            yield from (replace(each, **_changed(change, each)) for each in rows)
            if len(rows) < PAGE:
                return
            offset += PAGE

    def get(self, user: User, feedback_id: str) -> Feedback:
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            found = work.feedback.get(feedback_id)
        if found is None:
            raise NotFound("This feedback does not exist. The rating may have been withdrawn.")
        return found

    def open(self, user: User, feedback_id: str) -> Case:
        """Return the rating with the chat that led to it. The audit log records this once an hour per person and case."""
        require(user, Permission.REVIEW_FEEDBACK)
        now = self._clock()
        with self._unit_of_work() as work:
            found = work.feedback.get(feedback_id)
            if found is None:
                raise NotFound("This feedback does not exist. The rating may have been withdrawn.")
            way = path(work.messages.of_conversation(found.conversation_id), found.message_id)
            if self._is_first_look(user.id, feedback_id, now):
                record(work, now, user.id, "feedback.open", feedback_id, person=found.user_name)
                work.commit()
        return Case(found, tuple(way))

    def _is_first_look(self, user_id: str, feedback_id: str, now: datetime) -> bool:
        with self._lock:
            self._looks = {key: at for key, at in self._looks.items() if now - at < LOOK_AGAIN}
            return self._looks.setdefault((user_id, feedback_id), now) is now

    def counts(self, user: User) -> dict[ReviewState, int]:
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            return work.feedback.counts_by_state()

    def review(self, user: User, feedback_id: str, *, state: ReviewState | None = None, note: str | None = None) -> Feedback:
        """Change the state or the note of a case. The last person who changes it becomes its reviewer."""
        require(user, Permission.REVIEW_FEEDBACK)
        if note is not None and len(note) > MAX_COMMENT:
            raise InvalidInput("A note can have at most {limit} characters.", limit=MAX_COMMENT)
        now = self._clock()
        with self._unit_of_work() as work:
            found = work.feedback.for_change(feedback_id)
            if found is None:
                raise NotFound("This feedback does not exist. The rating may have been withdrawn.")
            changed = replace(
                found,
                state=found.state if state is None else state,
                note=found.note if note is None else without_controls(note).strip(),
                reviewer_name=user.name,
                updated_at=now,
            )
            work.feedback.review(feedback_id, changed.state, changed.note, user.id, now)
            if changed.state is ReviewState.RESOLVED and found.state is not ReviewState.RESOLVED and found.user_id != user.id:
                feedback_resolved(work, now, found.user_id, found.conversation_id)
            record(work, now, user.id, "feedback.review", feedback_id, state=changed.state.value, person=found.user_name)
            work.commit()
        return changed

    def _narrow(self, filter: FeedbackFilter, text: str) -> FeedbackFilter:
        if not text.strip():
            return filter
        hits = self._search.search(
            SearchQuery(
                text=text,
                kind=DocumentKind.FEEDBACK,
                owner_id=None,
                limit=1000,
                since=filter.since,
                until=filter.until,
                model=filter.model,
                rating=filter.rating,
            )
        )
        return replace(filter, ids=tuple(hit.id for hit in hits))


def _changed(change: Callable[[str], str], feedback: Feedback) -> dict[str, Any]:
    """Return the texts of an exported rating without the personal data that must not be exported."""
    texts = {name: getattr(feedback, name) for name in ("comment", "note", "question", "answer")}
    return {name: change(text) for name, text in texts.items() if text}
