"""Store saved views of the queue of cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, select

from core.review.cases.records import CaseQuery, CaseState, Judging, Priority, SavedView, Whose
from data.tables import ReviewViewTable, UserTable
from data.transaction import AnyRow, Transaction

_T = ReviewViewTable.__table__.c


class SqlSavedViewRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def of_user(self, user_id: str) -> Sequence[SavedView]:
        rows = self._sql.all(select(ReviewViewTable.__table__).where(_T.user_id == user_id))
        return sorted((_view(row) for row in rows), key=lambda view: view.name.casefold())

    def shared_by_others(self, user_id: str) -> Sequence[SavedView]:
        owned = select(*_T, UserTable.name.label("owner_name")).join(UserTable, UserTable.id == _T.user_id)
        rows = self._sql.all(owned.where(_T.shared.is_(True), _T.user_id != user_id))
        return sorted((_view(row, row.owner_name) for row in rows), key=lambda view: view.name.casefold())

    def put(self, user_id: str, view: SavedView, at: datetime) -> None:
        values = {"id": view.id, "user_id": user_id, "name": view.name, "query": _text(view.query), "saved_at": at, "shared": view.shared}
        self._sql.upsert(ReviewViewTable, ["id"], values, ("name", "query", "saved_at", "shared"), _T.id)

    def remove(self, user_id: str, view_id: str) -> None:
        self._sql.write(delete(ReviewViewTable).where(_T.id == view_id, _T.user_id == user_id))


def _text(query: CaseQuery) -> str:
    return json.dumps({name: value for name, value in asdict(query).items() if value not in (None, (), "")}, default=datetime.isoformat)


def _view(row: AnyRow, owner_name: str = "") -> SavedView:
    values = json.loads(row.query)
    for name, read in _READ.items():
        if name in values:
            values[name] = read(values[name])
    return SavedView(id=row.id, name=row.name, query=CaseQuery(**values), shared=row.shared, owner_name=owner_name)


_READ = {
    "states": lambda names: tuple(CaseState(each) for each in names),
    "whose": Whose,
    "priority": Priority,
    "judging": Judging,
    "since": datetime.fromisoformat,
    "until": datetime.fromisoformat,
}
