"""Store custom roles."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, update

from core.errors import Conflict
from core.people.records import CustomRole
from data.repositories.people.users import permissions_in
from data.tables import RoleTable
from data.transaction import AnyRow, Transaction

_T = RoleTable.__table__.c
_WHOLE = select(_T.name, _T.permissions, _T.created_at)


class SqlRoleRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def all(self) -> Sequence[CustomRole]:
        return [_role(row) for row in self._sql.all(_WHOLE.order_by(_T.name))]

    def lock(self, name: str) -> CustomRole | None:
        rows = self._sql.lock(_WHOLE.where(_T.name == name))
        return _role(rows[0]) if rows else None

    def add(self, role: CustomRole) -> None:
        values = {"name": role.name, "permissions": _stored(role), "created_at": role.created_at}
        if not self._sql.insert_new(RoleTable, _T.name, values):
            raise Conflict("A role named {name} already exists.", name=role.name)

    def save(self, role: CustomRole) -> None:
        self._sql.write(update(RoleTable).where(_T.name == role.name).values(permissions=_stored(role)))

    def remove(self, name: str) -> None:
        self._sql.write(delete(RoleTable).where(_T.name == name))


def _stored(role: CustomRole) -> dict[str, list[str]]:
    return {"permissions": sorted(each.value for each in role.permissions)}


def _role(row: AnyRow) -> CustomRole:
    return CustomRole(row.name, permissions_in(row.permissions.get("permissions")), row.created_at)
