"""Store judgements, and their answers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from core.review.judging.records import Judgement, Seat
from data.tables import ReviewAnswerTable, ReviewJudgementTable, UserTable
from data.transaction import Transaction

_T = ReviewJudgementTable.__table__.c
_ANSWER = ReviewAnswerTable.__table__.c
_WHOLE = select(*_T, UserTable.name.label("user_name")).join(UserTable, UserTable.id == _T.user_id)


class SqlJudgementRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def of_case(self, case_id: str) -> Sequence[Judgement]:
        rows = self._sql.all(_WHOLE.where(_T.case_id == case_id))
        if not rows:
            return []
        answers: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for row in self._sql.all(select(*_ANSWER).where(_ANSWER.judgement_id.in_([row.id for row in rows]))):
            answers[row.judgement_id][row.question_id] = row.value
        found = [
            Judgement(
                id=row.id, case_id=row.case_id, seat=row.seat, user_id=row.user_id, user_name=row.user_name,
                answers=answers[row.id] | json.loads(row.texts), questions_version=row.questions_version,
                guidelines_version=row.guidelines_version, judged_at=row.judged_at,
            )
            for row in rows
        ]  # fmt: skip
        return sorted(found, key=lambda each: list(Seat).index(each.seat))

    def put(self, judgement: Judgement, texts: frozenset[str]) -> None:
        words = {id: answer for id, answer in judgement.answers.items() if id in texts}
        values = {
            "id": judgement.id, "case_id": judgement.case_id, "seat": judgement.seat, "user_id": judgement.user_id,
            "questions_version": judgement.questions_version, "guidelines_version": judgement.guidelines_version,
            "texts": json.dumps(words, ensure_ascii=False), "judged_at": judgement.judged_at,
        }  # fmt: skip
        changing = ("questions_version", "guidelines_version", "texts", "judged_at")
        self._sql.upsert(ReviewJudgementTable, ["id"], values, changing, _T.id)
        self._sql.write(delete(ReviewAnswerTable).where(_ANSWER.judgement_id == judgement.id))
        rows = [
            {"judgement_id": judgement.id, "question_id": id, "value": answer}
            for id, answer in judgement.answers.items() if id not in texts
        ]  # fmt: skip
        if rows:
            self._sql.write(insert(ReviewAnswerTable), rows)
