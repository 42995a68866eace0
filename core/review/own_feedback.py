"""Show people what became of their own ratings, and let them take ratings back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.review.cases.records import OPEN, CaseEvent, CaseEventKind, CaseFilter, CaseQuery, CaseState, ReviewCase
from core.review.records import NO_DETAILS, RatingDetails
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory


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
    answer: str | None = None
    """The rated answer; None if the chat was deleted."""
    fix_model: str = ""
    fix_prompt: str = ""
    """The version of a prompt with the fix, as ID:VERSION."""
    again_id: str | None = None
    """The conversation in which the person asked again after the fix."""
    satisfied: bool | None = None
    """What the person says of the fix; None for nothing yet."""


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

    def get(self, user: User, message_id: str) -> OwnRating:
        """Return the person's rating of an answer. Raises NotFound."""
        require(user, Permission.RATE)
        with self._unit_of_work() as work:
            return _own(_own_case(work, user, message_id))

    def note_asked(self, user: User, message_id: str, conversation_id: str) -> None:
        """Store in which conversation the person asked again after the fix. Raises NotFound, and Conflict without a fix."""
        require(user, Permission.RATE)
        with self._unit_of_work() as work:
            case = _fixed(_own_case(work, user, message_id))
            work.cases.save(replace(case, again_id=conversation_id))
            work.commit()

    def judge_fix(self, user: User, message_id: str, *, satisfied: bool) -> OwnRating:
        """Store what the person says of the fix. If it did not help, the case is open again.

        Raises NotFound, and Conflict if the case was not closed as fixed.
        """
        require(user, Permission.RATE)
        now = self._clock()
        with self._unit_of_work() as work:
            case = _fixed(_own_case(work, user, message_id))
            state = CaseState.FIXED if satisfied else CaseState.NEW
            closed_at = case.closed_at if satisfied else None
            changed = replace(case, satisfied=satisfied, state=state, updated_at=now, version=case.version + 1, closed_at=closed_at)
            work.cases.save(changed)
            said = CaseEvent(case_id=case.id, at=now, kind=CaseEventKind.SATISFIED, after="true" if satisfied else "false")
            work.cases.record(said)
            if not satisfied:
                work.cases.record(CaseEvent(case_id=case.id, at=now, kind=CaseEventKind.STATE, before=case.state, after=state))
                work.feedback.review(case.feedback.id, state.rated_as, case.feedback.note, None, now)
            work.commit()
        return _own(changed)

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


def _own_case(work: UnitOfWork, user: User, message_id: str) -> ReviewCase:
    rating = work.feedback.of_message(user.id, message_id)
    case = work.cases.of_feedback(rating.id) if rating is not None else None
    if case is None or (locked := work.cases.for_change(case.number)) is None:
        raise NotFound("This rating does not exist. You may have taken it back already.")
    return locked


def _fixed(case: ReviewCase) -> ReviewCase:
    if case.state is not CaseState.FIXED:
        raise Conflict("This rating has not led to a fix, or its case is open again.")
    return case


def _own(case: ReviewCase) -> OwnRating:
    rating = case.feedback
    in_chat = rating.run_id is None and (rating.question is not None or rating.answer is not None)
    return OwnRating(
        number=case.number, message_id=rating.message_id, conversation_id=rating.conversation_id if in_chat else None,
        question=rating.question, rating=rating.rating, comment=rating.comment, model=rating.model, rated_at=rating.created_at,
        state=case.state, changed_at=case.updated_at, fix=case.fix, reply=case.reply, replied_at=case.replied_at,
        details=rating.details, answer=rating.answer, fix_model=case.fix_model,
        fix_prompt=case.fix_prompt, again_id=case.again_id, satisfied=case.satisfied,
    )  # fmt: skip
