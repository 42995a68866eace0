"""Decide who may do what, from one table."""

from __future__ import annotations

from enum import StrEnum

from core.errors import NotAllowed
from core.people.records import Role


class Permission(StrEnum):
    CHAT = "chat"
    RATE = "rate"
    VIEW_USAGE = "view_usage"
    REVIEW_FEEDBACK = "review_feedback"
    RUN_MODELS = "run_models"
    MANAGE_PEOPLE = "manage_people"
    READ_AUDIT = "read_audit"
    RUN_STORE = "run_store"


_ANALYST = frozenset({Permission.CHAT, Permission.RATE})
_MANAGER = _ANALYST | {Permission.VIEW_USAGE}

ROLES: dict[Role, frozenset[Permission]] = {
    Role.ANALYST: _ANALYST,
    Role.MANAGER: _MANAGER,
    Role.ADMIN: frozenset(Permission),
}


def allows(role: Role, permission: Permission, *, owner_id: str | None = None, user_id: str | None = None) -> bool:
    """Tell whether `role` holds `permission` and, if the thing has an owner, `user_id` owns it."""
    if permission not in ROLES[role]:
        return False
    return owner_id is None or owner_id == user_id


def require(role: Role, permission: Permission) -> None:
    """Raise NotAllowed unless `role` holds `permission`."""
    if not allows(role, permission):
        raise NotAllowed("Your role ({role}) does not allow this. An admin can change roles on the People page.", role=role.value)
