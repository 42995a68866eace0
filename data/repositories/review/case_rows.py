"""Select cases and their history, and build records of the rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import aliased

from core.review.cases.records import CaseEvent, CaseEventKind, CaseFilter, CaseLock, Priority, ReviewCase, Whose
from core.review.records import Feedback
from data.tables import FeedbackTable, ReviewCaseTable, ReviewEventTable, ReviewTagTable, UserTable
from data.transaction import AnyRow, AnySelect

CASE = ReviewCaseTable.__table__.c
TAG = ReviewTagTable.__table__.c
EVENT = ReviewEventTable.__table__.c
_RATING = FeedbackTable.__table__.c
_ASSIGNEE, _HOLDER, _ACTOR = aliased(UserTable), aliased(UserTable), aliased(UserTable)

WHOLE = (
    select(*CASE, _ASSIGNEE.name.label("assignee_name"), _HOLDER.name.label("holder_name"))
    .outerjoin(_ASSIGNEE, _ASSIGNEE.id == CASE.assignee_id)
    .outerjoin(_HOLDER, _HOLDER.id == CASE.locked_by)
)
HISTORY = select(*EVENT, _ACTOR.name.label("actor_name")).outerjoin(_ACTOR, _ACTOR.id == EVENT.actor_id)


def in_groups(groups: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a case is of a person of these groups."""
    rating = select(_RATING.id).where(_RATING.id == CASE.feedback_id, _RATING.group_name.in_(groups))
    return exists(rating.correlate(ReviewCaseTable))  # A statement may have joined the ratings itself.


def filtered(statement: AnySelect, filter: CaseFilter) -> AnySelect:
    """Add the conditions of a filter; the rating is joined only if one of them needs it."""
    query = filter.query
    if query.states:
        statement = statement.where(CASE.state.in_(query.states))
    if query.complaint is not None:
        statement = statement.where(CASE.complaint.is_(query.complaint))
    if query.whose is Whose.NOBODY:
        statement = statement.where(CASE.assignee_id.is_(None))
    if filter.assignee_id is not None:
        statement = statement.where(CASE.assignee_id == filter.assignee_id)
    if query.priority is not None:
        statement = statement.where(CASE.priority == query.priority.rank)
    if query.tag is not None:
        statement = statement.where(exists(select(TAG.tag).where(TAG.case_id == CASE.id, TAG.tag == query.tag)))
    if filter.due_before is not None:
        statement = statement.where(CASE.due_at < filter.due_before, CASE.closed_at.is_(None))
    if query.judging is not None:
        statement = statement.where(CASE.judging == query.judging)
    if query.unanswered:
        statement = statement.where(CASE.replied_at.is_(None))
    if query.since is not None:
        statement = statement.where(CASE.opened_at >= query.since)
    if query.until is not None:
        statement = statement.where(CASE.opened_at < query.until)
    if filter.feedback_ids is not None:
        statement = statement.where(CASE.feedback_id.in_(filter.feedback_ids))
    if filter.groups is not None:
        statement = statement.where(in_groups(filter.groups))
    of_rating = ((_RATING.rating, query.rating), (_RATING.model, query.model), (_RATING.group_name, query.group))
    if wanted := [column == value for column, value in of_rating if value is not None]:
        statement = statement.join(FeedbackTable, _RATING.id == CASE.feedback_id).where(*wanted)
    return statement


def case_of(row: AnyRow, rating: Feedback, tags: Sequence[str], same: int) -> ReviewCase:
    """Build a case. same: the number of cases with this question, this one included."""
    lock = None
    if row.locked_by and row.locked_at and row.locked_until:
        lock = CaseLock(holder_id=row.locked_by, holder_name=row.holder_name, since=row.locked_at, until=row.locked_until)
    return ReviewCase(
        id=row.id, number=row.number, feedback=rating, state=row.state, priority=list(Priority)[row.priority], complaint=row.complaint,
        opened_at=row.opened_at, updated_at=row.updated_at, version=row.version, assignee_id=row.assignee_id,
        assignee_name=row.assignee_name, tags=tuple(tags), due_at=row.due_at, closed_at=row.closed_at, question_key=row.question_key,
        alike=max(0, same - 1), lock=lock, fix=row.fix, reply=row.reply, replied_at=row.replied_at, judging=row.judging,
        second=row.second, fix_model=row.fix_model, again_id=row.again_id, satisfied=row.satisfied,
        correction=row.correction or "", fix_prompt=row.fix_prompt or "",
    )  # fmt: skip


def values_of(case: ReviewCase) -> Mapping[str, Any]:
    """Return the columns that can change, except those of the lock."""
    return {
        "state": case.state, "priority": case.priority.rank, "complaint": case.complaint, "assignee_id": case.assignee_id,
        "question_key": case.question_key, "version": case.version, "updated_at": case.updated_at, "due_at": case.due_at,
        "closed_at": case.closed_at, "fix": case.fix, "reply": case.reply, "replied_at": case.replied_at,
        "judging": case.judging, "second": case.second, "fix_model": case.fix_model, "again_id": case.again_id,
        "satisfied": case.satisfied, "correction": case.correction or None, "fix_prompt": case.fix_prompt or None,
    }  # fmt: skip


def lock_values(lock: CaseLock | None) -> Mapping[str, str | datetime | None]:
    if lock is None:
        return dict.fromkeys(("locked_by", "locked_at", "locked_until"))
    return {"locked_by": lock.holder_id, "locked_at": lock.since, "locked_until": lock.until}


def event_of(row: AnyRow) -> CaseEvent:
    return CaseEvent(
        case_id=row.case_id, at=row.at, kind=CaseEventKind(row.kind), actor_id=row.actor_id, actor_name=row.actor_name, before=row.before,
        after=row.after,
    )  # fmt: skip
