"""Set who may use which model or preset, and which model a group uses by default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from core.clock import Clock
from core.errors import InvalidInput
from core.inference.offers import AccessRule
from core.people.accounts import clean_line
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import Role, User
from core.unit_of_work import UnitOfWorkFactory

MAX_GROUPS = 200
MAX_MODEL_LENGTH = 200


class ModelAccess:
    """The gateway reads these settings for every call, so a change acts at once."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def rules(self, user: User) -> Mapping[str, AccessRule]:
        """Return the rules by model; a model without one is for everyone."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return {rule.model: rule for rule in work.offers.rules()}

    def restrict(self, user: User, model: str, roles: Iterable[str], groups: Iterable[str]) -> AccessRule:
        """Let only these roles and groups use a model or preset; with neither, everyone may. Raises InvalidInput."""
        require(user, Permission.RUN_MODELS)
        named = frozenset(clean for group in groups if (clean := clean_line(group)))
        if len(named) > MAX_GROUPS:
            raise InvalidInput("A model can be restricted to at most {most} groups.", most=MAX_GROUPS)
        rule = AccessRule(_usable(model), frozenset(map(str, roles)), named)
        with self._unit_of_work() as work:
            work.offers.put_rule(rule)
            who = ", ".join([*sorted(rule.roles), *sorted(rule.groups)])
            record(work, self._clock(), user.id, "model.restrict" if who else "model.open", rule.model, **({"access": who} if who else {}))
            work.commit()
        return rule

    def group_models(self, user: User) -> Mapping[str, str]:
        """Return the default models by group; other groups use the portal's default model."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return work.offers.group_models()

    def groups(self, user: User) -> Sequence[str]:
        """List the groups that people are in."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return sorted({person.group for person in work.users.all() if person.group})

    def roles(self, user: User) -> Sequence[str]:
        """List the built-in roles, then the custom ones that people have."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            custom = sorted({str(person.role) for person in work.users.all()} - {role.value for role in Role})
        return [*(role.value for role in Role), *custom]

    def set_group_model(self, user: User, group: str, model: str | None) -> None:
        """Set the model or preset that a group's people use unless they choose another; None: the portal's default. Raises InvalidInput."""
        require(user, Permission.RUN_MODELS)
        group = clean_line(group)
        if not group:
            raise InvalidInput("Name the group.")
        name = None if model is None else _usable(model)
        with self._unit_of_work() as work:
            work.offers.put_group_model(group, name)
            record(work, self._clock(), user.id, "model.group_default", name or "none", group=group)
            work.commit()


def _usable(model: str) -> str:
    name = model.strip()
    if not 1 <= len(name) <= MAX_MODEL_LENGTH:
        raise InvalidInput("A model name must have 1 to {number} characters.", number=MAX_MODEL_LENGTH)
    return name
