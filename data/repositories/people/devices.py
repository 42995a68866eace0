"""Store known devices."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from core.people.records import Device
from data.tables import DeviceTable
from data.transaction import Transaction

_T = DeviceTable.__table__.c


class SqlDeviceRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, device: Device) -> None:
        values = {"token_hash": device.token_hash, "user_id": device.user_id, "created_at": device.created_at, "used_at": device.used_at}
        self._sql.write(insert(DeviceTable).values(values))

    def user_id(self, token_hash: str) -> str | None:
        found: str | None = self._sql.scalar(select(_T.user_id).where(_T.token_hash == token_hash))
        return found

    def use(self, token_hash: str, at: datetime) -> None:
        self._sql.write(update(DeviceTable).where(_T.token_hash == token_hash).values(used_at=at))

    def keep_newest(self, user_id: str, number: int) -> None:
        newest = select(_T.token_hash).where(_T.user_id == user_id).order_by(_T.used_at.desc(), _T.token_hash).limit(number)
        self._sql.write(delete(DeviceTable).where(_T.user_id == user_id, _T.token_hash.not_in(newest)))

    def remove_of_user(self, user_id: str) -> None:
        self._sql.write(delete(DeviceTable).where(_T.user_id == user_id))
