"""Store results of evaluations."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from core.grounding.evaluation.records import Evaluation, Score
from data.tables import GroundEvaluationTable
from data.transaction import AnyRow, Transaction

_T = GroundEvaluationTable.__table__.c
_COUNTS = ("right", "wrong", "missed")


class SqlEvaluationRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def put(self, evaluation: Evaluation) -> None:
        values = {
            "id": evaluation.id,
            "model": evaluation.model,
            "model_version": evaluation.model_version,
            "set_version": evaluation.set_version,
            "images": evaluation.images,
            "seconds": evaluation.seconds,
            "created_at": evaluation.created_at,
        }
        for kind in ("shapes", "texts"):
            values |= {f"{kind}_{name}": getattr(getattr(evaluation, kind), name) for name in _COUNTS}
        self._sql.write(delete(GroundEvaluationTable).where(_T.id == evaluation.id))
        self._sql.write(insert(GroundEvaluationTable).values(values))

    def newest(self, limit: int, model: str | None = None) -> Sequence[Evaluation]:
        statement = select(*_T).order_by(_T.created_at.desc(), _T.id.desc()).limit(limit)
        if model is not None:
            statement = statement.where(_T.model == model)
        return [_evaluation_of(row) for row in self._sql.all(statement)]

    def trim(self, model: str, keep: int) -> None:
        ids = select(_T.id).where(_T.model == model).order_by(_T.created_at.desc(), _T.id.desc()).offset(keep)
        old = [row.id for row in self._sql.all(ids.limit(1_000))]
        self._sql.write(delete(GroundEvaluationTable).where(_T.id.in_(old)))


def _evaluation_of(row: AnyRow) -> Evaluation:
    values = dict(row._mapping)
    for kind in ("shapes", "texts"):
        values[kind] = Score(*(values.pop(f"{kind}_{name}") for name in _COUNTS))
    return Evaluation(**values)
