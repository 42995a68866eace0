"""Store what models remember about people, and who turned memory on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, exists, func, insert, select, update

from core.chat.memory.records import Memory, MemoryState
from data.tables import LegalHoldTable, MemorySwitchTable, MemoryTable
from data.transaction import AnyRow, Transaction

_T = MemoryTable.__table__.c
_SWITCH = MemorySwitchTable.__table__.c
_HOLD = LegalHoldTable.__table__.c
_ALL = select(MemoryTable.__table__)
_OF_USER = (
    _ALL.where(_T.user_id == bindparam("user"), _T.state.in_(bindparam("states", expanding=True))).order_by(_T.created_at, _T.id)
)  # fmt: skip
_IS_ON = select(_SWITCH.is_on).where(_SWITCH.user_id == bindparam("user"))


class SqlMemoryRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, memory: Memory) -> None:
        values = {
            "id": memory.id, "user_id": memory.user_id, "conversation_id": memory.conversation_id, "state": memory.state.value,
            "text": memory.text, "created_at": memory.created_at, "updated_at": memory.updated_at,
        }  # fmt: skip
        self._sql.write(insert(MemoryTable).values(values))

    def get(self, memory_id: str) -> Memory | None:
        row = self._sql.first(_ALL.where(_T.id == memory_id))
        return None if row is None else _memory(row)

    def for_change(self, memory_id: str) -> Memory | None:
        rows = self._sql.lock(_ALL.where(_T.id == memory_id))
        return _memory(rows[0]) if rows else None

    def of_user(self, user_id: str, states: Collection[MemoryState]) -> Sequence[Memory]:
        return [_memory(row) for row in self._sql.all(_OF_USER, {"user": user_id, "states": [each.value for each in states]})]

    def by_ids(self, user_id: str, ids: Collection[str]) -> Sequence[Memory]:
        return [_memory(row) for row in self._sql.all(_ALL.where(_T.user_id == user_id, _T.id.in_(list(ids))))]

    def count_of(self, user_id: str, state: MemoryState) -> int:
        counted = select(func.count()).select_from(MemoryTable).where(_T.user_id == user_id, _T.state == state.value)
        return int(self._sql.scalar(counted) or 0)

    def save(self, memory: Memory) -> None:
        values = {"text": memory.text, "state": memory.state.value, "conversation_id": memory.conversation_id}
        self._sql.write(update(MemoryTable).where(_T.id == memory.id).values(**values, updated_at=memory.updated_at))

    def remove(self, ids: Collection[str]) -> int:
        return self._sql.write(delete(MemoryTable).where(_T.id.in_(list(ids)))).rowcount

    def remove_undecided(self, before: datetime) -> int:
        held = exists(select(_HOLD.user_id).where(_HOLD.user_id == _T.user_id))
        old = delete(MemoryTable).where(_T.state != MemoryState.ACCEPTED.value, _T.updated_at < before, ~held)
        return self._sql.write(old).rowcount

    def switch(self, user_id: str) -> bool | None:
        row = self._sql.first(_IS_ON, {"user": user_id})
        return None if row is None else row.is_on

    def set_switch(self, user_id: str, on: bool, at: datetime) -> None:
        values = {"user_id": user_id, "is_on": on, "updated_at": at}
        self._sql.upsert(MemorySwitchTable, ["user_id"], values, ("is_on", "updated_at"), _SWITCH.user_id)


def _memory(row: AnyRow) -> Memory:
    return Memory(
        id=row.id, user_id=row.user_id, text=row.text, state=MemoryState(row.state), created_at=row.created_at,
        updated_at=row.updated_at, conversation_id=row.conversation_id,
    )  # fmt: skip
