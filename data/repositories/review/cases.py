"""Store review cases, their tags and their history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, delete, exists, func, insert, or_, select, update

from core.review.cases.ports import Groups, Position
from core.review.cases.records import OUTCOMES, CaseEvent, CaseEventKind, CaseFilter, CaseLock, CaseState, ReviewCase
from core.review.records import FeedbackFilter
from data.repositories.review.case_rows import (
    CASE,
    EVENT,
    HISTORY,
    TAG,
    WHOLE,
    case_of,
    event_of,
    filtered,
    in_groups,
    lock_values,
    values_of,
)
from data.repositories.review.feedback import SqlFeedbackRepository
from data.tables import FeedbackTable, ReviewCaseTable, ReviewEventTable, ReviewTagTable
from data.transaction import AnyRow, AnySelect, Transaction

NUMBERS = 7_310_002
"""The lock under which cases get their numbers."""
_RATING = FeedbackTable.__table__.c


class SqlCaseRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction
        self._feedback = SqlFeedbackRepository(transaction)

    def add(self, case: ReviewCase) -> int:
        self._sql.lock_alone(NUMBERS)
        number = int(self._sql.scalar(select(func.coalesce(func.max(CASE.number), 0)))) + 1
        values = {"id": case.id, "number": number, "feedback_id": case.feedback.id, "opened_at": case.opened_at, **values_of(case)}
        self._sql.write(insert(ReviewCaseTable).values(values))
        return number

    def get(self, number: int, groups: Groups = None) -> ReviewCase | None:
        found = self._cases(self._sql.all(_of(WHOLE.where(CASE.number == number), groups)), groups)
        return found[0] if found else None

    def of_feedback(self, feedback_id: str) -> ReviewCase | None:
        found = self._cases(self._sql.all(WHOLE.where(CASE.feedback_id == feedback_id)))
        return found[0] if found else None

    def for_change(self, number: int, groups: Groups = None) -> ReviewCase | None:
        self._sql.lock(_of(select(CASE.id).where(CASE.number == number), groups))
        return self.get(number, groups)

    def find(self, filter: CaseFilter, limit: int, after: Position | None = None) -> Sequence[ReviewCase]:
        statement = filtered(WHOLE, filter)
        if after is not None:
            rank, number = after
            statement = statement.where(or_(CASE.priority < rank, and_(CASE.priority == rank, CASE.number < number)))
        return self._cases(self._sql.all(statement.order_by(CASE.priority.desc(), CASE.number.desc()).limit(limit)), filter.groups)

    def count(self, filter: CaseFilter) -> int:
        return int(self._sql.scalar(filtered(select(func.count()).select_from(ReviewCaseTable), filter)))

    def save(self, case: ReviewCase) -> None:
        self._sql.write(update(ReviewCaseTable).where(CASE.id == case.id).values(values_of(case)))
        self._sql.write(delete(ReviewTagTable).where(TAG.case_id == case.id))
        if case.tags:
            self._sql.write(insert(ReviewTagTable), [{"case_id": case.id, "tag": each} for each in case.tags])

    def set_lock(self, case_id: str, lock: CaseLock | None) -> None:
        self._sql.write(update(ReviewCaseTable).where(CASE.id == case_id).values(lock_values(lock)))

    def alike(self, case: ReviewCase, limit: int, groups: Groups = None) -> Sequence[ReviewCase]:
        if not case.question_key:
            return ()
        others = _of(WHOLE.where(CASE.question_key == case.question_key, CASE.id != case.id), groups)
        return self._cases(self._sql.all(others.order_by(CASE.number.desc()).limit(limit)), groups)

    def outcomes(self, limit: int, rating: int, groups: Groups = None) -> Sequence[tuple[str, CaseState]]:
        ended = CASE.state.in_(OUTCOMES), CASE.question_key != "", _RATING.rating == rating
        found = _of(select(CASE.question_key, CASE.state).join(FeedbackTable, _RATING.id == CASE.feedback_id).where(*ended), groups)
        rows = self._sql.all(found.order_by(CASE.closed_at.desc(), CASE.number.desc()).limit(limit))
        return [(row.question_key, row.state) for row in reversed(rows)]

    def of_rater(self, user_id: str, filter: CaseFilter, limit: int, before: int | None = None) -> Sequence[ReviewCase]:
        own = CASE.feedback_id.in_(select(_RATING.id).where(_RATING.user_id == user_id))
        statement = filtered(WHOLE, filter).where(own)
        if before is not None:
            statement = statement.where(CASE.number < before)
        return self._cases(self._sql.all(statement.order_by(CASE.number.desc()).limit(limit)))

    def count_of_rater(self, user_id: str, filter: CaseFilter) -> int:
        own = CASE.feedback_id.in_(select(_RATING.id).where(_RATING.user_id == user_id))
        return int(self._sql.scalar(filtered(select(func.count()).select_from(ReviewCaseTable), filter).where(own)))

    def tags(self, groups: Groups = None) -> Mapping[str, int]:
        counted = select(TAG.tag, func.count().label("cases")).select_from(ReviewTagTable)
        if groups is not None:
            counted = counted.join(ReviewCaseTable, CASE.id == TAG.case_id).where(in_groups(groups))
        rows = self._sql.all(counted.group_by(TAG.tag).order_by(TAG.tag))
        return {row.tag: row.cases for row in rows}

    def record(self, event: CaseEvent) -> None:
        became = CaseState(event.after) if event.kind is CaseEventKind.STATE else None
        values = {
            "case_id": event.case_id, "at": event.at, "actor_id": event.actor_id, "kind": event.kind.value, "became": became,
            "before": event.before, "after": event.after,
        }  # fmt: skip
        self._sql.write(insert(ReviewEventTable).values(values))

    def history(self, case_id: str) -> Sequence[CaseEvent]:
        return [event_of(row) for row in self._sql.all(HISTORY.where(EVENT.case_id == case_id).order_by(EVENT.number))]

    def revealed_at(self, case_id: str, user_id: str, since: datetime) -> datetime | None:
        of_case = select(func.max(EVENT.at)).where(EVENT.case_id == case_id, EVENT.actor_id == user_id, EVENT.at > since)
        found: datetime | None = self._sql.scalar(of_case.where(EVENT.kind == CaseEventKind.REVEALED.value))
        return found

    def reveals_of_rater(self, user_id: str, limit: int) -> Sequence[tuple[ReviewCase, CaseEvent]]:
        own = select(CASE.id).join(FeedbackTable, _RATING.id == CASE.feedback_id).where(_RATING.user_id == user_id)
        revealed = HISTORY.where(EVENT.case_id.in_(own), EVENT.kind == CaseEventKind.REVEALED.value)
        events = [event_of(row) for row in self._sql.all(revealed.order_by(EVENT.number.desc()).limit(limit))]
        cases = {each.id: each for each in self._cases(self._sql.all(WHOLE.where(CASE.id.in_({each.case_id for each in events}))))}
        return [(cases[each.case_id], each) for each in events]

    def touched_by(self, user_id: str, since: datetime, states: Collection[CaseState] | None = None) -> int:
        statement = select(func.count(func.distinct(EVENT.case_id))).where(EVENT.actor_id == user_id, EVENT.at >= since)
        if states is not None:
            statement = statement.where(EVENT.became.in_(states))
        return int(self._sql.scalar(statement))

    def feedback_without_case(self, limit: int) -> Sequence[str]:
        without = select(_RATING.id).where(~exists(select(CASE.id).where(CASE.feedback_id == _RATING.id)))
        return [row.id for row in self._sql.all(without.order_by(_RATING.created_at, _RATING.id).limit(limit))]

    def without_key(self, limit: int) -> Sequence[ReviewCase]:
        return self._cases(self._sql.all(WHOLE.where(CASE.question_key.is_(None)).order_by(CASE.number).limit(limit)))

    def _cases(self, rows: list[AnyRow], groups: Groups = None) -> list[ReviewCase]:
        """Read the ratings, tags and numbers of equal questions of these cases, each with one statement."""
        if not rows:
            return []
        ids = tuple(row.feedback_id for row in rows)
        ratings = {each.id: each for each in self._feedback.find(FeedbackFilter(ids=ids), len(ids))}
        tags: defaultdict[str, list[str]] = defaultdict(list)
        for row in self._sql.all(select(TAG.case_id, TAG.tag).where(TAG.case_id.in_([row.id for row in rows])).order_by(TAG.tag)):
            tags[row.case_id].append(row.tag)
        keys = {row.question_key for row in rows if row.question_key}
        counted = select(CASE.question_key, func.count().label("cases")).where(CASE.question_key.in_(keys)).group_by(CASE.question_key)
        same = {row.question_key: row.cases for row in self._sql.all(_of(counted, groups))} if keys else {}
        return [case_of(row, ratings[row.feedback_id], tags[row.id], same.get(row.question_key, 1)) for row in rows]


def _of(statement: AnySelect, groups: Groups) -> AnySelect:
    return statement if groups is None else statement.where(in_groups(groups))
