"""Store answers side by side and the votes on them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import bindparam, select, update

from core.review.records import Comparison, Lane, Vote
from data.tables import ComparisonTable, MessageTable
from data.transaction import AnyRow, Transaction

_T = ComparisonTable.__table__.c
_MESSAGE = MessageTable.__table__.c
_OF_QUESTION = select(*_T).where(_T.question_id == bindparam("question"))
_OF_ANSWER = select(*_T).where(_T.question_id == _MESSAGE.parent_id, _MESSAGE.id == bindparam("answer"))


class SqlComparisonRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, comparison: Comparison) -> None:
        values = {
            "id": comparison.id,
            "user_id": comparison.user_id,
            "group_name": comparison.group,
            "conversation_id": comparison.conversation_id,
            "question_id": comparison.question_id,
            "lanes": {"lanes": [asdict(each) for each in comparison.lanes], "separate": comparison.separate},
            "created_at": comparison.created_at,
        }
        self._sql.insert_new(ComparisonTable, _T.id, values)

    def of_question(self, question_id: str) -> Comparison | None:
        return _comparison(self._sql.first(_OF_QUESTION, {"question": question_id}))

    def of_answer(self, answer_id: str) -> Comparison | None:
        return _comparison(self._sql.first(_OF_ANSWER, {"answer": answer_id}))

    def vote(self, comparison_id: str, vote: Vote, preferred_id: str | None, at: datetime) -> None:
        values = {"vote": vote.value, "preferred_id": preferred_id, "voted_at": at}
        self._sql.write(update(ComparisonTable).where(_T.id == comparison_id).values(values))


def _comparison(row: AnyRow | None) -> Comparison | None:
    if row is None:
        return None
    return Comparison(
        id=row.id, user_id=row.user_id, group=row.group_name, conversation_id=row.conversation_id, question_id=row.question_id,
        lanes=tuple(Lane(**each) for each in row.lanes["lanes"]), created_at=row.created_at,
        separate=row.lanes.get("separate", False),  # Rows of earlier releases have none.
        vote=Vote(row.vote) if row.vote else None, preferred_id=row.preferred_id, voted_at=row.voted_at,
    )  # fmt: skip
