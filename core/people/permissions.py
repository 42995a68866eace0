"""Decide who may do what, from one table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from enum import StrEnum

from core.errors import NotAllowed
from core.people.records import Permission as Permission
from core.people.records import Role, Scope, User

FEATURES = frozenset({Permission.UPLOAD, Permission.EXPORT, Permission.DETECT, Permission.MEMORY, Permission.RUN_TASKS})
"""What every built-in role grants and a group may withhold."""
_ANALYST = frozenset({Permission.CHAT, Permission.RATE}) | FEATURES

ROLES: Mapping[str, frozenset[Permission]] = {
    Role.ANALYST: _ANALYST,
    Role.REVIEWER: _ANALYST | {Permission.REVIEW_FEEDBACK},
    Role.MANAGER: _ANALYST | {Permission.VIEW_USAGE, Permission.MANAGE_ALERTS},
    Role.ADMIN: frozenset(Permission),
}
"""The built-in roles. Custom roles are in the database."""


SCOPES: Mapping[Scope, frozenset[Permission]] = {
    Scope.CHAT: frozenset(
        {Permission.CHAT, Permission.UPLOAD, Permission.EXPORT, Permission.DETECT, Permission.MEMORY, Permission.RUN_TASKS}
    ),
    Scope.MODELS: frozenset({Permission.RUN_MODELS}),
    Scope.FEEDBACK: frozenset({Permission.RATE, Permission.REVIEW_FEEDBACK, Permission.EXPORT}),
    Scope.USAGE: frozenset({Permission.VIEW_USAGE, Permission.MANAGE_ALERTS, Permission.EXPORT}),
    Scope.ADMIN: frozenset(
        {
            Permission.MANAGE_PEOPLE, Permission.READ_AUDIT, Permission.RUN_STORE, Permission.RUN_PLUGINS, Permission.SET_UP_REVIEW,
            Permission.EXPORT,
        }
    ),
}
"""Every permission stands in a scope, or no key could use it."""


class Verdict(StrEnum):
    """Why someone may do something, or may not."""

    GRANTED = "granted"
    ROLE_LACKS = "role_lacks"
    GROUP_WITHHOLDS = "group_withholds"
    KEY_LACKS = "key_lacks"
    """The scopes of the API key do not cover it."""


def granted(user: User) -> frozenset[Permission]:
    """Return what the person's role grants, whatever the group withholds."""
    if user.granted is not None:
        return user.granted
    return ROLES.get(user.role, _ANALYST)


def verdict(user: User, permission: Permission) -> Verdict:
    """Tell whether `user` holds `permission` in this request, and why."""
    if permission not in granted(user):
        return Verdict.ROLE_LACKS
    if permission in user.withheld:
        return Verdict.GROUP_WITHHOLDS
    if user.key is not None and not any(permission in SCOPES[scope] for scope in user.key.scopes):
        return Verdict.KEY_LACKS
    return Verdict.GRANTED


def permissions_of(user: User) -> frozenset[Permission]:
    """Return all that this person may do in this request."""
    return frozenset(each for each in Permission if verdict(user, each) is Verdict.GRANTED)


def usable_scopes(user: User) -> frozenset[Scope]:
    """Return the scopes with which a key of this person could do something."""
    held = permissions_of(replace(user, key=None))
    return frozenset(scope for scope, covered in SCOPES.items() if (covered - FEATURES) & held)


def allows(user: User, permission: Permission, *, owner_id: str | None = None) -> bool:
    """Tell whether `user` holds `permission` and, if the thing has an owner, owns it."""
    return not user.must_enrol and verdict(user, permission) is Verdict.GRANTED and (owner_id is None or owner_id == user.id)


def reviewed_groups(user: User) -> frozenset[str] | None:
    """Return the groups whose cases `user` may review; None for all.

    Whoever manages people could lift the limit, so it does not bind them.
    """
    return None if Permission.MANAGE_PEOPLE in granted(user) else user.review_groups


def reviews_group(user: User, group: str) -> bool:
    """Tell whether `user` may review the cases of a group, with the right to review any."""
    groups = reviewed_groups(user)
    return groups is None or group in groups


def require_factor(user: User) -> None:
    """Raise NotAllowed for somebody who must set up a second factor first."""
    if user.must_enrol:
        raise NotAllowed("Your role must use a second factor. Set it up on the sign-in page first.")


def require(user: User, permission: Permission) -> None:
    """Raise NotAllowed unless `user` holds `permission`."""
    require_factor(user)
    match verdict(user, permission):
        case Verdict.ROLE_LACKS:
            raise NotAllowed("Your role ({role}) does not allow this. An admin can change roles on the People page.", role=str(user.role))
        case Verdict.GROUP_WITHHOLDS:
            raise NotAllowed("Your group ({group}) may not use this. An admin can change that on the People page.", group=user.group)
        case Verdict.KEY_LACKS:
            require_scope(user, scope_of(permission))


def require_scope(user: User, *scopes: Scope) -> None:
    """Raise NotAllowed for an API key with none of these scopes, where a person needs no permission of their own."""
    if user.key is not None and not user.key.scopes & frozenset(scopes):
        held, needed = ", ".join(sorted(user.key.scopes)), scopes[0].value
        sentence = "The scopes of this API key ({scopes}) do not cover this. Make a key with the scope {needed}."
        raise NotAllowed(sentence, scopes=held, needed=needed)


def scope_of(permission: Permission) -> Scope:
    """Return the first scope of API keys that covers this permission."""
    return next(scope for scope, covered in SCOPES.items() if permission in covered)


def require_to_give(actor: User | None, permissions: Collection[Permission]) -> None:
    """Raise NotAllowed unless `actor` holds all that is given: nobody can give rights that they do not have. None is the command line."""
    if actor is not None and (missing := frozenset(permissions) - granted(actor)):
        names = ", ".join(sorted(missing))
        raise NotAllowed("This needs rights that you do not have yourself: {names}. Ask an admin.", names=names)
