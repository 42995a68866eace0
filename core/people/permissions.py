"""Decide who may do what, from one table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from core.errors import NotAllowed
from core.people.records import Permission as Permission
from core.people.records import Role, User

FEATURES = frozenset({Permission.UPLOAD, Permission.EXPORT})
"""What every built-in role grants and a group may withhold."""
_ANALYST = frozenset({Permission.CHAT, Permission.RATE}) | FEATURES

ROLES: Mapping[str, frozenset[Permission]] = {
    Role.ANALYST: _ANALYST,
    Role.REVIEWER: _ANALYST | {Permission.REVIEW_FEEDBACK},
    Role.MANAGER: _ANALYST | {Permission.VIEW_USAGE},
    Role.ADMIN: frozenset(Permission),
}
"""The built-in roles. Custom roles are in the database."""


class Verdict(StrEnum):
    """Why somebody may do something, or may not."""

    GRANTED = "granted"
    ROLE_LACKS = "role_lacks"
    GROUP_WITHHOLDS = "group_withholds"


def granted(user: User) -> frozenset[Permission]:
    """Return what the person's role grants, whatever the group withholds."""
    if user.granted is not None:
        return user.granted
    return ROLES.get(user.role, _ANALYST)


def verdict(user: User, permission: Permission) -> Verdict:
    """Tell whether `user` holds `permission`, and why."""
    if permission not in granted(user):
        return Verdict.ROLE_LACKS
    return Verdict.GROUP_WITHHOLDS if permission in user.withheld else Verdict.GRANTED


def allows(user: User, permission: Permission, *, owner_id: str | None = None) -> bool:
    """Tell whether `user` holds `permission` and, if the thing has an owner, owns it."""
    return verdict(user, permission) is Verdict.GRANTED and (owner_id is None or owner_id == user.id)


def require(user: User, permission: Permission) -> None:
    """Raise NotAllowed unless `user` holds `permission`."""
    match verdict(user, permission):
        case Verdict.ROLE_LACKS:
            raise NotAllowed("Your role ({role}) does not allow this. An admin can change roles on the People page.", role=str(user.role))
        case Verdict.GROUP_WITHHOLDS:
            raise NotAllowed("Your group ({group}) may not use this. An admin can change that on the People page.", group=user.group)


def require_to_give(actor: User | None, permissions: Collection[Permission]) -> None:
    """Raise NotAllowed unless `actor` holds all that is given: nobody can give rights that they do not have. None is the command line."""
    if actor is not None and (missing := frozenset(permissions) - granted(actor)):
        names = ", ".join(sorted(missing))
        raise NotAllowed("This needs rights that you do not have yourself: {names}. Ask an admin.", names=names)
