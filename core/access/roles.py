"""Manage roles: the built-in ones, and those that admins make from the same permissions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from core.characters import cut, one_line
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.people.audit_events import record
from core.people.permissions import ROLES, Permission, require, require_to_give
from core.people.records import CustomRole, User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_NAME = 40


@dataclass(frozen=True, slots=True)
class RoleInfo:
    """A role and what it grants."""

    name: str
    permissions: frozenset[Permission]
    built_in: bool
    people: int
    """How many people have it."""


class Roles:
    """Lists, adds, changes and removes roles. Nobody can put a permission into a role that they do not have."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def all(self, actor: User) -> Sequence[RoleInfo]:
        """Return the built-in roles, then the custom ones by name."""
        require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            held = [person.role for person in work.users.all()]
            custom = work.roles.all()
        built_in = [
            RoleInfo(name=str(name), permissions=permissions, built_in=True, people=held.count(name)) for name, permissions in ROLES.items()
        ]
        return built_in + [
            RoleInfo(name=each.name, permissions=each.permissions, built_in=False, people=held.count(each.name)) for each in custom
        ]

    def names(self, actor: User | None) -> Sequence[str]:
        """Return the names of all roles. None: the command line."""
        if actor is not None:
            require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            return [*map(str, ROLES), *(each.name for each in work.roles.all())]

    def add(self, actor: User, name: str, permissions: Collection[Permission]) -> CustomRole:
        """Create a role. Raises InvalidInput for an unusable name, Conflict if it is taken, NotAllowed for rights the actor lacks."""
        require(actor, Permission.MANAGE_PEOPLE)
        require_to_give(actor, permissions)
        role = CustomRole(_clean_name(name), frozenset(permissions), self._clock())
        if role.name in ROLES:
            raise Conflict("A role named {name} already exists.", name=role.name)
        with self._unit_of_work() as work:
            work.roles.add(role)
            record(work, self._clock(), actor.id, "role.add", role.name, permissions=_listed(permissions))
            work.commit()
        return role

    def change(self, actor: User, name: str, permissions: Collection[Permission]) -> CustomRole:
        """Set what a custom role grants; it acts at once for everyone who has it.

        Raises NotAllowed if the role grants, or would grant, rights that the actor lacks, and NotFound.
        """
        require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            found = _custom(work, name)
            require_to_give(actor, found.permissions.union(permissions))
            changed = replace(found, permissions=frozenset(permissions))
            work.roles.save(changed)
            record(work, self._clock(), actor.id, "role.change", name, permissions=_listed(permissions))
            work.commit()
        return changed

    def remove(self, actor: User, name: str) -> None:
        """Remove a custom role. Raises Conflict while someone has it, and NotFound."""
        require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            require_to_give(actor, _custom(work, name).permissions)
            if holders := work.users.with_role(name):
                raise Conflict("{n} people have this role. Give them another role first.", n=len(holders))
            work.roles.remove(name)
            record(work, self._clock(), actor.id, "role.remove", name)
            work.commit()


def _custom(work: UnitOfWork, name: str) -> CustomRole:
    if name in ROLES:
        raise Conflict("{name} is a built-in role and cannot be changed. Make a role of your own from it.", name=name)
    found = work.roles.lock(name)
    if found is None:
        raise NotFound("There is no role named {name}.", name=name)
    return found


def _clean_name(name: str) -> str:
    cleaned = cut(one_line(name), MAX_NAME).lower()
    if not cleaned or "/" in cleaned:
        raise InvalidInput("A role needs a name of 1 to {limit} characters without a slash.", limit=MAX_NAME)
    return cleaned


def _listed(permissions: Collection[Permission]) -> str:
    return ", ".join(sorted(permissions))
