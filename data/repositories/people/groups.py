"""Store groups and their managers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update

from core.errors import Conflict
from core.people.records import Group
from data.repositories.people.users import permissions_in
from data.tables import GroupManagerTable, GroupTable, UserTable
from data.transaction import AnyRow, AnySelect, Transaction

_T = GroupTable.__table__.c
_MANAGER = GroupManagerTable.__table__.c
_USER = UserTable.__table__.c
_WHOLE = select(_T.id, _T.name, _T.created_at, _T.settings)


class SqlGroupRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def all(self) -> Sequence[Group]:
        return self._with_managers(self._sql.all(_WHOLE.order_by(_T.name)))

    def get(self, group_id: str) -> Group | None:
        return next(iter(self._with_managers(self._sql.all(_WHOLE.where(_T.id == group_id)))), None)

    def lock(self, group_id: str) -> Group | None:
        return next(iter(self._with_managers(self._sql.lock(_WHOLE.where(_T.id == group_id)))), None)

    def ensure(self, group: Group) -> bool:
        values = {"id": group.id, "name": group.name, "created_at": group.created_at, "settings": _settings(group)}
        added = self._sql.insert_new(GroupTable, _T.id, values)
        if not added:
            self._sql.lock(select(_T.id).where(_T.name == group.name))
        return added

    def save(self, group: Group) -> None:
        if self._sql.first(select(_T.id).where(_T.name == group.name, _T.id != group.id)) is not None:
            raise Conflict("A group named {name} already exists.", name=group.name)
        self._sql.write(update(GroupTable).where(_T.id == group.id).values(name=group.name, settings=_settings(group)))

    def set_managers(self, group_id: str, user_ids: Collection[str]) -> None:
        self._sql.write(delete(GroupManagerTable).where(_MANAGER.group_id == group_id))
        if user_ids:
            self._sql.write(insert(GroupManagerTable), [{"group_id": group_id, "user_id": each} for each in sorted(user_ids)])

    def remove(self, group_id: str) -> None:
        self._sql.write(delete(GroupTable).where(_T.id == group_id))

    def _with_managers(self, rows: list[AnyRow]) -> list[Group]:
        named: AnySelect = select(_MANAGER.group_id, _USER.name).join(UserTable, _USER.id == _MANAGER.user_id).order_by(_USER.name)
        managers: defaultdict[str, list[str]] = defaultdict(list)
        for row in self._sql.all(named.where(_MANAGER.group_id.in_([each.id for each in rows]))) if rows else ():
            managers[row.group_id].append(row.name)
        return [_group(row, tuple(managers[row.id])) for row in rows]


def _settings(group: Group) -> dict[str, Any]:
    on = {name: True for name in ("shares_results", "improves_models") if getattr(group, name)}
    return {"withheld": sorted(each.value for each in group.withheld), **on}


def _group(row: AnyRow, managers: tuple[str, ...]) -> Group:
    withheld = permissions_in(row.settings.get("withheld"))
    return Group(
        id=row.id, name=row.name, created_at=row.created_at, withheld=withheld, managers=managers,
        shares_results=row.settings.get("shares_results") is True, improves_models=row.settings.get("improves_models") is True,
    )  # fmt: skip
