"""Show people what became of their own ratings, and let them take ratings back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.clock import Clock
from core.errors import InvalidInput, NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.review.cases.records import OPEN, CaseFilter, CaseQuery, CaseState, ReviewCase
from core.review.records import NO_DETAILS, RatingDetails
from core.unit_of_work import UnitOfWorkFactory


class OwnRatings(StrEnum):
    """Which of their ratings a person looks at."""

    ALL = "all"
    OPEN = "open"
    """Complaints without an outcome yet."""
    FIXED = "fixed"
    GOOD = "good"


_QUERIES: Mapping[OwnRatings, CaseQuery] = {
    OwnRatings.ALL: CaseQuery(),
    OwnRatings.OPEN: CaseQuery(states=OPEN, complaint=True),
    OwnRatings.FIXED: CaseQuery(states=(CaseState.FIXED,)),
    OwnRatings.GOOD: CaseQuery(rating=1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRating:
    """A person's rating and its outcome. It names no reviewer."""

    number: int
    message_id: str
    conversation_id: str | None
    """None if the chat was deleted, or if the rating is about an image."""
    question: str | None
    rating: int
    comment: str
    model: str
    rated_at: datetime
    state: CaseState
    changed_at: datetime
    fix: str = ""
    reply: str = ""
    replied_at: datetime | None = None
    details: RatingDetails = NO_DETAILS


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPage:
    ratings: tuple[OwnRating, ...]
    """Newest first."""
    counts: Mapping[OwnRatings, int]
    next_cursor: str | None = None
    poor: int = 0
    """The number of the person's poor ratings."""


class OwnFeedback:
    """Reads the ratings of the person who asks; nobody can ask for another's."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def find(self, user: User, which: OwnRatings = OwnRatings.ALL, limit: int = 20, cursor: str | None = None) -> OwnPage:
        """Return one page of the person's ratings. cursor: next_cursor of the previous page. Raises InvalidInput for an invalid one."""
        require(user, Permission.RATE)
        if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 9):
            raise InvalidInput("This cursor does not come from a list of ratings.")
        filter = CaseFilter(query=_QUERIES[which])
        with self._unit_of_work() as work:
            cases = work.cases.of_rater(user.id, filter, limit + 1, int(cursor) if cursor else None)
            counts = {each: work.cases.count_of_rater(user.id, CaseFilter(query=query)) for each, query in _QUERIES.items()}
            poor = work.cases.count_of_rater(user.id, CaseFilter(query=CaseQuery(rating=-1)))
        shown = cases[:limit]
        more = len(cases) > limit
        return OwnPage(
            ratings=tuple(_own(each) for each in shown), counts=counts, next_cursor=str(shown[-1].number) if more else None, poor=poor
        )

    def take_back(self, user: User, message_id: str) -> None:
        """Delete the person's rating of an answer, with its case. Raises NotFound."""
        require(user, Permission.RATE)
        with self._unit_of_work() as work:
            rating = work.feedback.of_message(user.id, message_id)
            if rating is None:
                raise NotFound("This rating does not exist. You may have taken it back already.")
            work.feedback.remove(user.id, message_id)
            record(work, self._clock(), user.id, "feedback.take_back", rating.id)
            work.commit()


def _own(case: ReviewCase) -> OwnRating:
    rating = case.feedback
    in_chat = rating.run_id is None and (rating.question is not None or rating.answer is not None)
    return OwnRating(
        number=case.number, message_id=rating.message_id, conversation_id=rating.conversation_id if in_chat else None,
        question=rating.question, rating=rating.rating, comment=rating.comment, model=rating.model, rated_at=rating.created_at,
        state=case.state, changed_at=case.updated_at, fix=case.fix, reply=case.reply, replied_at=case.replied_at,
        details=rating.details,
    )  # fmt: skip
