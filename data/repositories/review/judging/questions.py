"""Store the versions of the questions for reviewers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import func, insert, select

from core.review.judging.records import Choice, Question, QuestionKind, QuestionSet
from data.tables import ReviewQuestionsTable, UserTable
from data.transaction import AnyRow, Transaction

NUMBERS = 7_310_004
"""The lock under which versions get their numbers."""
_T = ReviewQuestionsTable.__table__.c
_WHOLE = select(*_T, UserTable.name.label("author_name")).join(UserTable, UserTable.id == _T.author_id)


class SqlQuestionSetRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def latest(self) -> QuestionSet | None:
        return _set(self._sql.first(_WHOLE.order_by(_T.version.desc()).limit(1)))

    def for_change(self) -> QuestionSet | None:
        self._sql.lock_alone(NUMBERS)
        return self.latest()

    def get(self, version: int) -> QuestionSet | None:
        return _set(self._sql.first(_WHOLE.where(_T.version == version)))

    def versions(self, limit: int) -> Sequence[QuestionSet]:
        rows = self._sql.all(_WHOLE.order_by(_T.version.desc()).limit(limit))
        return [found for row in rows if (found := _set(row))]

    def add(self, questions: Sequence[Question], author_id: str, at: datetime) -> int:
        version = int(self._sql.scalar(select(func.coalesce(func.max(_T.version), 0)))) + 1
        text = json.dumps([asdict(each) for each in questions], ensure_ascii=False)
        values = {"version": version, "questions": text, "author_id": author_id, "saved_at": at}
        self._sql.write(insert(ReviewQuestionsTable).values(values))
        return version


def _set(row: AnyRow | None) -> QuestionSet | None:
    if row is None:
        return None
    questions = tuple(
        Question(**{**each, "kind": QuestionKind(each["kind"]), "choices": tuple(Choice(**choice) for choice in each["choices"])})
        for each in json.loads(row.questions)
    )
    return QuestionSet(version=row.version, questions=questions, author_name=row.author_name, saved_at=row.saved_at)
