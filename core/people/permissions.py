"""Decide who may do what, from one table."""

from __future__ import annotations

from dataclasses import replace

from core.errors import NotAllowed
from core.people.records import Permission as Permission
from core.people.records import Role, Scope, User

_ANALYST = frozenset({Permission.CHAT, Permission.RATE})
_MANAGER = _ANALYST | {Permission.VIEW_USAGE}

ROLES: dict[Role, frozenset[Permission]] = {
    Role.ANALYST: _ANALYST,
    Role.MANAGER: _MANAGER,
    Role.ADMIN: frozenset(Permission),
}

SCOPES: dict[Scope, frozenset[Permission]] = {
    Scope.CHAT: frozenset({Permission.CHAT}),
    Scope.MODELS: frozenset({Permission.RUN_MODELS}),
    Scope.FEEDBACK: frozenset({Permission.RATE, Permission.REVIEW_FEEDBACK}),
    Scope.USAGE: frozenset({Permission.VIEW_USAGE}),
    Scope.ADMIN: frozenset({Permission.MANAGE_PEOPLE, Permission.READ_AUDIT, Permission.RUN_STORE}),
}
"""Every permission stands in one scope, or no key could use it."""


def permissions_of(user: User) -> frozenset[Permission]:
    """Return what this person may do in this request: what the role holds and, with an API key, the key's scopes cover."""
    held = ROLES[user.role]
    if user.key is None:
        return held
    return held & frozenset(permission for scope in user.key.scopes for permission in SCOPES[scope])


def usable_scopes(user: User) -> frozenset[Scope]:
    """Return the scopes with which a key of this person could do something."""
    held = permissions_of(replace(user, key=None))
    return frozenset(scope for scope, covered in SCOPES.items() if covered & held)


def allows(user: User, permission: Permission, *, owner_id: str | None = None) -> bool:
    """Tell whether `user` holds `permission` and, if the thing has an owner, owns it."""
    if permission not in permissions_of(user):
        return False
    return owner_id is None or owner_id == user.id


def require(user: User, permission: Permission) -> None:
    """Raise NotAllowed unless `user` holds `permission`."""
    if allows(user, permission):
        return
    if user.key is not None and permission in ROLES[user.role]:
        scopes, needed = ", ".join(sorted(user.key.scopes)), scope_of(permission).value
        sentence = "The scopes of this API key ({scopes}) do not cover this. Make a key with the scope {needed}."
        raise NotAllowed(sentence, scopes=scopes, needed=needed)
    raise NotAllowed("Your role ({role}) does not allow this. An admin can change roles on the People page.", role=user.role.value)


def scope_of(permission: Permission) -> Scope:
    """Return the scope of API keys that covers this permission."""
    return next(scope for scope, covered in SCOPES.items() if permission in covered)
