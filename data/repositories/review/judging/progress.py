"""Read the numbers of the review's progress."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased

from core.review.cases.ports import Groups
from core.review.cases.records import OUTCOMES, CaseEventKind, CaseState
from core.review.judging.records import Seat
from core.review.progress.records import CaseTimes, Fixes
from data.repositories.review.case_rows import CASE, EVENT, TAG, in_groups
from data.tables import ReviewAnswerTable, ReviewCaseTable, ReviewEventTable, ReviewJudgementTable, ReviewTagTable, UserTable
from data.transaction import Transaction

_CLOSED = (*OUTCOMES, CaseState.CLOSED)
_NOT_A_LOOK = (CaseEventKind.OPENED.value, CaseEventKind.RATED_AGAIN.value)
_FIRST, _SECOND = aliased(ReviewJudgementTable), aliased(ReviewJudgementTable)
_ONE, _OTHER = aliased(ReviewAnswerTable), aliased(ReviewAnswerTable)


class SqlReviewProgressRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def times(self, since: datetime, groups: Groups = None) -> Sequence[CaseTimes]:
        looked = and_(EVENT.actor_id.is_not(None), EVENT.kind.not_in(_NOT_A_LOOK))
        first = (
            select(EVENT.case_id, func.min(EVENT.at).label("at"))
            .join(ReviewCaseTable, CASE.id == EVENT.case_id).where(looked, _counted(since, groups)).group_by(EVENT.case_id).subquery()
        )  # fmt: skip
        statement = (
            select(CASE.id, CASE.opened_at, CASE.closed_at, first.c.at.label("first_at"))
            .outerjoin(first, first.c.case_id == CASE.id).where(_counted(since, groups))
        )  # fmt: skip
        return [
            CaseTimes(case_id=row.id, opened_at=row.opened_at, first_at=row.first_at, closed_at=row.closed_at)
            for row in self._sql.all(statement)
        ]

    def fixes(self, since: datetime, groups: Groups = None) -> Fixes:
        fixed = select(EVENT.case_id).where(EVENT.became == CaseState.FIXED, EVENT.at >= since)
        rows = self._sql.all(select(CASE.again_id, CASE.satisfied).where(CASE.complaint.is_(True), CASE.id.in_(fixed), *_in(groups)))
        return Fixes(
            fixed=len(rows), asked_again=sum(row.again_id is not None for row in rows),
            satisfied=sum(row.satisfied is True for row in rows), not_satisfied=sum(row.satisfied is False for row in rows),
        )  # fmt: skip

    def tags(self, since: datetime, groups: Groups = None) -> Sequence[tuple[str, str]]:
        statement = select(TAG.tag, TAG.case_id).select_from(ReviewTagTable).join(ReviewCaseTable, CASE.id == TAG.case_id)
        return [(row.tag, row.case_id) for row in self._sql.all(statement.where(_counted(since, groups)))]

    def closers(self, since: datetime, groups: Groups = None) -> Sequence[tuple[str, str]]:
        statement = (
            select(UserTable.name, EVENT.case_id).distinct().select_from(ReviewEventTable)
            .join(UserTable, UserTable.id == EVENT.actor_id).join(ReviewCaseTable, CASE.id == EVENT.case_id)
            .where(EVENT.became.in_(_CLOSED), EVENT.at >= since, CASE.closed_at >= since, CASE.complaint.is_(True), *_in(groups))
        )  # fmt: skip
        return [(row.name, row.case_id) for row in self._sql.all(statement)]

    def judged(self, since: datetime, groups: Groups = None) -> Mapping[str, int]:
        judgement: Any = ReviewJudgementTable.__table__.c
        statement = (
            select(UserTable.name, func.count().label("judged")).select_from(ReviewJudgementTable)
            .join(UserTable, UserTable.id == judgement.user_id).join(ReviewCaseTable, CASE.id == judgement.case_id)
            .where(judgement.judged_at >= since, *_in(groups)).group_by(UserTable.name)
        )  # fmt: skip
        return {row.name: row.judged for row in self._sql.all(statement)}

    def pairs(self, since: datetime, groups: Groups = None) -> Mapping[str, Mapping[tuple[str, str], int]]:
        statement = (
            select(_ONE.question_id, _ONE.value.label("one"), _OTHER.value.label("other"), func.count().label("cases"))
            .select_from(_SECOND)
            .join(_FIRST, and_(_FIRST.case_id == _SECOND.case_id, _FIRST.seat == Seat.FIRST))
            .join(_ONE, _ONE.judgement_id == _FIRST.id)
            .join(_OTHER, and_(_OTHER.judgement_id == _SECOND.id, _OTHER.question_id == _ONE.question_id))
            .join(ReviewCaseTable, CASE.id == _SECOND.case_id)
            .where(_SECOND.seat == Seat.SECOND, _SECOND.judged_at >= since, *_in(groups))
            .group_by(_ONE.question_id, _ONE.value, _OTHER.value)
        )
        found: defaultdict[str, dict[tuple[str, str], int]] = defaultdict(dict)
        for row in self._sql.all(statement):
            found[row.question_id][(row.one, row.other)] = row.cases
        return found


def _counted(since: datetime, groups: Groups) -> ColumnElement[bool]:
    """Select the complaints that were open then or later."""
    return and_(CASE.complaint.is_(True), or_(CASE.closed_at.is_(None), CASE.closed_at >= since), *_in(groups))


def _in(groups: Groups) -> list[ColumnElement[bool]]:
    return [] if groups is None else [in_groups(groups)]
