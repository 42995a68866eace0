"""Store comparisons of model files, and the votes on their answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from core.comparing.records import ComparedFile, Comparison, QuestionResult, Vote, VoteChoice, VoteCounts
from core.errors import StoredError
from data.tables import ComparisonVoteTable, FileComparisonTable, UserTable
from data.transaction import AnyRow, Transaction

_ROW = FileComparisonTable.__table__.c
_VOTE = ComparisonVoteTable.__table__.c
_USER = UserTable.__table__.c
_ALL = select(*_ROW, _USER.full_name.label("started_by_name")).outerjoin(UserTable, _USER.id == _ROW.started_by)


class SqlFileComparisonRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, comparison: Comparison) -> None:
        fixed = {
            "id": comparison.id, "server": comparison.server, "started_by": comparison.started_by, "created_at": comparison.created_at,
        }  # fmt: skip
        self._sql.write(insert(FileComparisonTable).values(**fixed, **_changing(comparison)))

    def save(self, comparison: Comparison) -> None:
        self._sql.write(update(FileComparisonTable).where(_ROW.id == comparison.id).values(**_changing(comparison)))

    def get(self, comparison_id: str) -> Comparison | None:
        row = self._sql.first(_ALL.where(_ROW.id == comparison_id))
        return None if row is None else _comparison(row)

    def newest(self, limit: int) -> Sequence[Comparison]:
        return [_comparison(row) for row in self._sql.all(_ALL.order_by(_ROW.created_at.desc(), _ROW.id).limit(limit))]

    def running(self, server: str) -> Sequence[Comparison]:
        return [_comparison(row) for row in self._sql.all(_ALL.where(_ROW.server == server, _ROW.ended_at.is_(None)))]

    def remove(self, comparison_id: str) -> None:
        self._sql.write(delete(FileComparisonTable).where(_ROW.id == comparison_id))

    def vote(self, vote: Vote) -> None:
        keys = ["comparison_id", "user_id", "number"]
        values = {"comparison_id": vote.comparison_id, "user_id": vote.user_id, "number": vote.number, "choice": vote.choice}
        self._sql.upsert(ComparisonVoteTable, keys, values, ("choice",), _VOTE.number)

    def voted(self, comparison_id: str, user_id: str) -> frozenset[int]:
        found = select(_VOTE.number).where(_VOTE.comparison_id == comparison_id, _VOTE.user_id == user_id)
        return frozenset(row.number for row in self._sql.all(found))

    def votes(self, comparison_id: str) -> Mapping[int, VoteCounts]:
        counted = select(_VOTE.number, _VOTE.choice, func.count().label("n")).where(_VOTE.comparison_id == comparison_id)
        by_question: dict[int, dict[VoteChoice, int]] = {}
        for row in self._sql.all(counted.group_by(_VOTE.number, _VOTE.choice)):
            by_question.setdefault(row.number, {})[row.choice] = row.n
        return by_question


def _changing(comparison: Comparison) -> dict[str, Any]:
    written = {
        "reference": asdict(comparison.reference), "candidate": asdict(comparison.candidate), "questions": comparison.questions,
        "results": [asdict(each) for each in comparison.results], "error": asdict(comparison.error) if comparison.error else None,
    }  # fmt: skip
    return {"ended_at": comparison.ended_at, "record": json.dumps(written, ensure_ascii=False, default=str)}


def _comparison(row: AnyRow) -> Comparison:
    read = json.loads(row.record)
    return Comparison(
        id=row.id, started_by=row.started_by, created_at=row.created_at, server=row.server, ended_at=row.ended_at,
        started_by_name=row.started_by_name or "", reference=_file(read["reference"]), candidate=_file(read["candidate"]),
        questions=read["questions"], results=tuple(_result(each) for each in read["results"]),
        error=StoredError(**read["error"]) if read["error"] else None,
    )  # fmt: skip


def _file(fields: Mapping[str, Any]) -> ComparedFile:
    return ComparedFile(**{**fields, "path": Path(fields["path"])})


def _result(fields: Mapping[str, Any]) -> QuestionResult:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    return QuestionResult(**values)
