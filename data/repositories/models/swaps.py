"""Store hot swaps, canary questions, replay questions and change markers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from core.changes.records import ChangeMarker
from core.models.swaps.records import ACTIVE_SWAPS, CanaryQuestion, Decision, ReplayQuestion, Swap
from data.repositories.models.swap_json import read, written
from data.tables import CanaryQuestionTable, ChangeMarkerTable, ReplayQuestionTable, SwapTable, UserTable
from data.transaction import AnyRow, AnySelect, Transaction

_SWAP = SwapTable.__table__.c
_CANARY = CanaryQuestionTable.__table__.c
_REPLAY = ReplayQuestionTable.__table__.c
_MARKER = ChangeMarkerTable.__table__.c
_USER = UserTable.__table__.c
_ALL = select(*_SWAP, _USER.full_name.label("started_by_name")).outerjoin(UserTable, _USER.id == _SWAP.started_by)


class SqlSwapRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, swap: Swap) -> None:
        fixed = {"id": swap.id, "model": swap.model, "server": swap.server, "started_by": swap.started_by, "created_at": swap.created_at}
        self._sql.write(insert(SwapTable).values(**fixed, **_changing(swap)))

    def save(self, swap: Swap) -> None:
        self._sql.write(update(SwapTable).where(_SWAP.id == swap.id).values(**_changing(swap)))

    def get(self, swap_id: str) -> Swap | None:
        row = self._sql.first(_ALL.where(_SWAP.id == swap_id))
        return None if row is None else _swap(row)

    def newest(self, limit: int, model: str | None = None) -> Sequence[Swap]:
        statement: AnySelect = _ALL if model is None else _ALL.where(_SWAP.model == model)
        return [_swap(row) for row in self._sql.all(statement.order_by(_SWAP.created_at.desc(), _SWAP.id).limit(limit))]

    def active(self, server: str) -> Sequence[Swap]:
        return [_swap(row) for row in self._sql.all(_ALL.where(_SWAP.server == server, _SWAP.state.in_(ACTIVE_SWAPS)))]

    def decide(self, swap_id: str, decision: Decision | None) -> None:
        self._sql.write(update(SwapTable).where(_SWAP.id == swap_id).values(decision=decision.value if decision else None))

    def decision(self, swap_id: str) -> Decision | None:
        said = self._sql.scalar(select(_SWAP.decision).where(_SWAP.id == swap_id))
        return None if said is None else Decision(said)

    def canaries(self) -> Sequence[CanaryQuestion]:
        rows = self._sql.all(select(*_CANARY).order_by(_CANARY.model, _CANARY.id))
        return [CanaryQuestion(**row._mapping) for row in rows]

    def add_canary(self, canary: CanaryQuestion) -> None:
        values = {name: getattr(canary, name) for name in ("id", "model", "language", "question", "pattern")}
        self._sql.write(insert(CanaryQuestionTable).values(**values))

    def remove_canary(self, canary_id: str) -> bool:
        return self._sql.write(delete(CanaryQuestionTable).where(_CANARY.id == canary_id)).rowcount > 0

    def replays(self, model: str | None = None) -> Sequence[ReplayQuestion]:
        statement: AnySelect = select(*_REPLAY).order_by(_REPLAY.created_at, _REPLAY.id)
        rows = self._sql.all(statement if model is None else statement.where(_REPLAY.model == model))
        return [ReplayQuestion(**row._mapping) for row in rows]

    def add_replay(self, replay: ReplayQuestion) -> None:
        values = {name: getattr(replay, name) for name in ("id", "model", "question", "accepted", "created_at", "created_by")}
        self._sql.write(insert(ReplayQuestionTable).values(**values))

    def remove_replay(self, replay_id: str) -> bool:
        return self._sql.write(delete(ReplayQuestionTable).where(_REPLAY.id == replay_id)).rowcount > 0

    def mark(self, marker: ChangeMarker) -> None:
        values = {"id": marker.id, "at": marker.at, "kind": marker.kind, "subject": marker.subject, "details": dict(marker.details)}
        self._sql.write(insert(ChangeMarkerTable).values(**values))

    def markers(self, first: datetime, last: datetime) -> Sequence[ChangeMarker]:
        rows = self._sql.all(select(*_MARKER).where(_MARKER.at >= first, _MARKER.at < last).order_by(_MARKER.at, _MARKER.id))
        return [ChangeMarker(**row._mapping) for row in rows]


def _changing(swap: Swap) -> dict[str, Any]:
    return {
        "state": swap.state,
        "ended_at": swap.ended_at,
        "old_version": swap.old_version,
        "new_version": swap.new_version,
        "record": written(swap),
    }


def _swap(row: AnyRow) -> Swap:
    return Swap(
        id=row.id,
        model=row.model,
        server=row.server,
        state=row.state,
        started_by=row.started_by,
        started_by_name=row.started_by_name or "",
        created_at=row.created_at,
        ended_at=row.ended_at,
        old_version=row.old_version,
        new_version=row.new_version,
        **read(row.record),
    )
