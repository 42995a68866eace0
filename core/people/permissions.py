"""Decide who may do what, from one table."""

from __future__ import annotations

from core.errors import NotAllowed
from core.people.records import Permission as Permission
from core.people.records import Role, User

_ANALYST = frozenset({Permission.CHAT, Permission.RATE})
_MANAGER = _ANALYST | {Permission.VIEW_USAGE}

ROLES: dict[Role, frozenset[Permission]] = {
    Role.ANALYST: _ANALYST,
    Role.MANAGER: _MANAGER,
    Role.ADMIN: frozenset(Permission),
}


def allows(user: User, permission: Permission, *, owner_id: str | None = None) -> bool:
    """Tell whether `user` holds `permission` and, if the thing has an owner, owns it."""
    if permission not in ROLES[user.role]:
        return False
    return owner_id is None or owner_id == user.id


def require(user: User, permission: Permission) -> None:
    """Raise NotAllowed unless `user` holds `permission`."""
    if not allows(user, permission):
        raise NotAllowed("Your role ({role}) does not allow this. An admin can change roles on the People page.", role=user.role.value)
