"""Store second factors and recovery codes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from core.identity.records import SecondFactor
from data.tables import RecoveryCodeTable, SecondFactorTable
from data.transaction import Transaction

_T = SecondFactorTable.__table__.c
_CODE = RecoveryCodeTable.__table__.c


class SqlSecondFactorRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def get(self, user_id: str) -> SecondFactor | None:
        row = self._sql.first(select(*_T).where(_T.user_id == user_id))
        return None if row is None else SecondFactor(**row._mapping)

    def put(self, factor: SecondFactor) -> None:
        values: dict[str, Any] = {column.name: getattr(factor, column.name) for column in _T}
        changes = [name for name in values if name != "user_id"]
        self._sql.upsert(SecondFactorTable, ["user_id"], values, changes, _T.user_id)

    def take_step(self, user_id: str, step: int) -> bool:
        newer = update(SecondFactorTable).where(_T.user_id == user_id, _T.last_step < step)
        return self._sql.write(newer.values(last_step=step)).rowcount == 1

    def set_codes(self, user_id: str, hashes: Collection[str]) -> None:
        self._sql.write(delete(RecoveryCodeTable).where(_CODE.user_id == user_id))
        self._sql.write(insert(RecoveryCodeTable), [{"user_id": user_id, "code_hash": each} for each in hashes])

    def take_code(self, user_id: str, code_hash: str) -> bool:
        return self._sql.write(delete(RecoveryCodeTable).where(_CODE.user_id == user_id, _CODE.code_hash == code_hash)).rowcount == 1

    def codes_left(self, user_id: str) -> int:
        return int(self._sql.scalar(select(func.count()).select_from(RecoveryCodeTable).where(_CODE.user_id == user_id)))

    def remove(self, user_id: str) -> None:
        self._sql.write(delete(RecoveryCodeTable).where(_CODE.user_id == user_id))
        self._sql.write(delete(SecondFactorTable).where(_T.user_id == user_id))
