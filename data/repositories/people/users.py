"""Store accounts."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, update

from core.errors import Conflict
from core.people.permissions import ROLES
from core.people.records import Credentials, Permission, Role, User
from data.tables import GroupTable, RoleTable, UserTable
from data.transaction import AnyRow, Transaction

_T = UserTable.__table__.c
_ROLE = RoleTable.__table__.c
_GROUP = GroupTable.__table__.c
USER_COLUMNS = [
    _T.id, _T.name, _T.full_name, _T.role, _T.role_name, _T.group_name, _T.active, _T.created_at, _T.language, _T.last_seen_at,
    _T.review_groups, _ROLE.permissions.label("role_permissions"), _GROUP.settings.label("group_settings"),
]  # fmt: skip
USERS = (
    UserTable.__table__.outerjoin(RoleTable.__table__, _ROLE.name == _T.role_name)
    .outerjoin(GroupTable.__table__, _GROUP.name == _T.group_name)
)  # fmt: skip
"""People joined with the grants of their role and the restrictions of their group, so that both take effect at the next call."""
_WHOLE = select(*USER_COLUMNS).select_from(USERS)
_KNOWN_BEFORE = (Role.ANALYST, Role.MANAGER, Role.ADMIN)
"""Roles that the previous release can read."""


def permissions_in(stored: object) -> frozenset[Permission]:
    """Read stored names of permissions. Skip those of a later release, which this release never asks for."""
    known = set(Permission)
    return frozenset(Permission(name) for name in stored if name in known) if isinstance(stored, list) else frozenset()


ROLE_COLUMNS = [_T.role, _T.role_name]


def role_of(row: AnyRow) -> str:
    """Return the name of the role from a row with ROLE_COLUMNS."""
    # The previous release writes only `role`: if it is not analyst, `role_name` is outdated.
    return str(row.role_name if row.role is Role.ANALYST and row.role_name else row.role)


def user_of(row: AnyRow) -> User:
    """Build a user from a row with the columns of USERS."""
    named = role_of(row)
    custom = None if named in ROLES else permissions_in((row.role_permissions or {}).get("permissions"))
    return User(
        id=row.id,
        name=row.name,
        full_name=row.full_name,
        role=Role(named) if named in ROLES else named,
        group=row.group_name,
        active=row.active,
        created_at=row.created_at,
        language=row.language,
        last_seen_at=row.last_seen_at,
        granted=custom,
        withheld=permissions_in((row.group_settings or {}).get("withheld")),
        review_groups=None if row.review_groups is None else frozenset(json.loads(row.review_groups)),
    )


def _values(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "full_name": user.full_name,
        "role": Role(user.role) if user.role in _KNOWN_BEFORE else Role.ANALYST,
        "role_name": None if user.role in _KNOWN_BEFORE else str(user.role),
        "group_name": user.group,
        "active": user.active,
        "created_at": user.created_at,
        "language": user.language,
        "last_seen_at": user.last_seen_at,
        "review_groups": None if user.review_groups is None else json.dumps(sorted(user.review_groups), ensure_ascii=False),
    }


class SqlUserRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, user: User, password_hash: str) -> None:
        if not self._sql.insert_new(UserTable, _T.id, _values(user) | {"password_hash": password_hash, "failures": 0}):
            raise Conflict("An account named {name} already exists.", name=user.name)

    def get(self, user_id: str) -> User | None:
        row = self._sql.first(_WHOLE.where(_T.id == user_id))
        return None if row is None else user_of(row)

    def credentials(self, name: str) -> Credentials | None:
        row = self._sql.first(_WHOLE.add_columns(_T.password_hash).where(_T.name == name))
        return None if row is None else Credentials(user_of(row), row.password_hash)

    def all(self) -> Sequence[User]:
        return [user_of(row) for row in self._sql.all(_WHOLE.order_by(_T.name))]

    def in_group(self, group: str) -> Sequence[User]:
        return [user_of(row) for row in self._sql.all(_WHOLE.where(_T.group_name == group).order_by(_T.name))]

    def rename_group(self, old: str, new: str) -> None:
        self._sql.write(update(UserTable).where(_T.group_name == old).values(group_name=new))
        for row in self._sql.all(_WHOLE.where(_T.review_groups.is_not(None))):
            user = user_of(row)
            if user.review_groups and old in user.review_groups:
                self.save(replace(user, review_groups=user.review_groups - {old} | {new}))

    def with_role(self, role: str) -> Sequence[User]:
        return [user_of(row) for row in self._sql.all(_WHOLE.where(_T.role_name == role).order_by(_T.name))]

    def for_change(self, name: str) -> Credentials | None:
        # Use a fixed order, so that two changes never deadlock; new sessions may refer to these rows meanwhile.
        admins = and_(_T.role == Role.ADMIN, _T.active.is_(True))
        self._sql.lock(select(_T.id).where(or_(_T.name == name, admins)).order_by(_T.id), referable=True)
        return self.credentials(name)

    def lock(self, user_id: str) -> Credentials | None:
        rows = self._sql.lock(_WHOLE.add_columns(_T.password_hash).where(_T.id == user_id), referable=True, of=UserTable)
        return Credentials(user_of(rows[0]), rows[0].password_hash) if rows else None

    def set_seen(self, user_id: str, at: datetime) -> None:
        self._sql.write(update(UserTable).where(_T.id == user_id).values(last_seen_at=at))

    def set_language(self, user_id: str, language: str | None) -> None:
        self._sql.write(update(UserTable).where(_T.id == user_id).values(language=language))

    def save(self, user: User) -> None:
        self._sql.write(update(UserTable).where(_T.id == user.id).values(_values(user)))

    def set_password(self, user_id: str, password_hash: str) -> None:
        self._sql.write(update(UserTable).where(_T.id == user_id).values(password_hash=password_hash))

    def disabled(self, user_ids: Collection[str]) -> set[str]:
        found = self._sql.all(select(_T.id).where(_T.id.in_(sorted(user_ids)), _T.active.is_(False)))
        return {row.id for row in found}

    def any_password_of(self, prefix: str) -> bool:
        return self._sql.first(select(_T.id).where(_T.password_hash.startswith(prefix, autoescape=True)).limit(1)) is not None

    def count(self) -> int:
        return int(self._sql.scalar(select(func.count()).select_from(UserTable)))
