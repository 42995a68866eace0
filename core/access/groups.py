"""Manage groups: members, managers, and the features that a group withholds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from core.characters import cut, one_line
from core.chat.context.records import Holder
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.people.audit_events import record
from core.people.permissions import FEATURES, Permission, allows, granted, require, require_scope, require_to_give
from core.people.records import Group, Scope, User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class GroupInfo:
    group: Group
    members: Sequence[User]


class Groups:
    """Everything is open to those who manage people. A group's managers see it, and add and remove its members."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def all(self, actor: User) -> Sequence[GroupInfo]:
        """Return the groups that `actor` may see: all of them, or those that they manage."""
        require_scope(actor, Scope.ADMIN)
        with self._unit_of_work() as work:
            people = work.users.all()
            groups = [group for group in work.groups.all() if _may_manage(actor, group)]
        return [GroupInfo(group, [each for each in people if each.group == group.name]) for group in groups]

    def names(self, actor: User) -> Sequence[str]:
        require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            return [group.name for group in work.groups.all()]

    def get(self, actor: User, group_id: str) -> GroupInfo:
        """Return one group. Raises NotFound, also for a group that `actor` may not see."""
        require_scope(actor, Scope.ADMIN)
        with self._unit_of_work() as work:
            group = _managed(actor, work.groups.get(group_id))
            return GroupInfo(group, work.users.in_group(group.name))

    def add(self, actor: User, name: str) -> Group:
        """Create a group. Raises InvalidInput for an empty name, Conflict if it is taken."""
        require(actor, Permission.MANAGE_PEOPLE)
        group = Group(id=uuid4().hex, name=_clean_name(name), created_at=self._clock())
        with self._unit_of_work() as work:
            if not work.groups.ensure(group):
                raise Conflict("A group named {name} already exists.", name=group.name)
            record(work, self._clock(), actor.id, "group.add", group.name)
            work.commit()
        return group

    def change(
        self,
        actor: User,
        group_id: str,
        *,
        name: str | None = None,
        managers: Collection[str] | None = None,
        withheld: Collection[Permission] | None = None,
        shares_results: bool | None = None,
        improves_models: bool | None = None,
    ) -> Group:
        """Change the given fields. managers: user names. withheld: features only; the actor must hold those that are given back.
        shares_results: whether members get cached answers of one another. improves_models: whether their chats may be used to improve
        models, unless they refuse.

        Raises NotFound, InvalidInput, Conflict and NotAllowed.
        """
        require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            group = _found(work.groups.lock(group_id))
            changed = group
            if name is not None:
                changed = replace(changed, name=_clean_name(name))
            if withheld is not None:
                if odd := frozenset(withheld) - FEATURES:
                    raise InvalidInput("A group can withhold only features. {names} are not features.", names=", ".join(sorted(odd)))
                require_to_give(actor, group.withheld - frozenset(withheld))
                changed = replace(changed, withheld=frozenset(withheld))
            if managers is not None:
                people = [_person(work, each) for each in managers]
                work.groups.set_managers(group_id, {each.id for each in people})
                changed = replace(changed, managers=tuple(sorted({each.name for each in people})))
            if shares_results is not None:
                changed = replace(changed, shares_results=shares_results)
            if improves_models is not None:
                changed = replace(changed, improves_models=improves_models)
            work.groups.save(changed)
            if group.shares_results and (not changed.shares_results or changed.name != group.name):
                work.results.remove_of_group(group.name)
            if changed.name != group.name:
                work.users.rename_group(group.name, changed.name)
                work.retention.rename_group(group.name, changed.name)
                work.limits.rename_group(group.name, changed.name)
                work.policies.rename_group(group.name, changed.name)
                work.offers.rename_group(group.name, changed.name)
                work.instructions.rename_group(group.name, changed.name)
                work.prompts.rename_group(group.name, changed.name)
                work.collections.rename_group(group.name, changed.name)
                work.task_templates.rename_group(group.name, changed.name)
                work.plugins.rename_group(group.name, changed.name)
                work.alerts.rename_group(group.name, changed.name)
                work.reports.rename_group(group.name, changed.name)
                work.feedback.rename_group(group.name, changed.name)
                work.datasets.rename_group(group.name, changed.name)
            details = {"was": group.name if changed.name != group.name else "", "managers": ", ".join(changed.managers)}
            if changed.shares_results is not group.shares_results:
                details["shares_results"] = "yes" if changed.shares_results else "no"
            if changed.improves_models is not group.improves_models:
                details["improves_models"] = "yes" if changed.improves_models else "no"
            record(work, self._clock(), actor.id, "group.change", changed.name, **details, withheld=", ".join(sorted(changed.withheld)))
            work.commit()
        return changed

    def remove(self, actor: User, group_id: str) -> None:
        """Remove an empty group. Raises Conflict while it has members, and NotFound."""
        require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            group = _found(work.groups.lock(group_id))
            if members := work.users.in_group(group.name):
                raise Conflict("{name} has {n} members. Move them to another group first.", name=group.name, n=len(members))
            work.groups.remove(group_id)
            work.instructions.remove(Holder.GROUP, group.name)
            work.prompts.withdraw_from(group.name)
            work.collections.withdraw_from(group.name)
            work.task_templates.withdraw_from(group.name)
            work.results.remove_of_group(group.name)
            work.plugins.remove_group(group.name)
            record(work, self._clock(), actor.id, "group.remove", group.name)
            work.commit()

    def put_member(self, actor: User, group_id: str, name: str) -> None:
        """Put a person into a group. A manager of the group can take only people without a group.

        Raises NotFound, Conflict, NotAllowed.
        """
        with self._unit_of_work() as work:
            group, person = self._member(work, actor, group_id, name)
            if person.group == group.name:
                return
            if person.group and not allows(actor, Permission.MANAGE_PEOPLE):
                raise Conflict("{name} is in another group. Ask an admin to move them.", name=person.name)
            self._move(work, actor, person, group.name)

    def remove_member(self, actor: User, group_id: str, name: str) -> None:
        """Take a person out of a group. Raises NotFound if they are not in it, NotAllowed."""
        with self._unit_of_work() as work:
            group, person = self._member(work, actor, group_id, name)
            if person.group != group.name:
                raise NotFound("{name} is not in this group.", name=person.name)
            self._move(work, actor, person, "")

    def _member(self, work: UnitOfWork, actor: User, group_id: str, name: str) -> tuple[Group, User]:
        require_scope(actor, Scope.ADMIN)
        _managed(actor, work.groups.get(group_id))  # Checked before the lock, so that nobody can block someone else's group.
        group = _managed(actor, work.groups.lock(group_id))
        found = work.users.for_change(name.strip().lower())
        if found is None:
            raise NotFound("No account is named {name}.", name=name)
        person = found.user
        if person.id == actor.id and not allows(actor, Permission.MANAGE_PEOPLE):
            raise NotAllowed("You cannot change your own group. Ask an admin.")
        require_to_give(actor, granted(person))
        return group, person

    def _move(self, work: UnitOfWork, actor: User, person: User, group: str) -> None:
        work.users.save(replace(person, group=group))
        record(work, self._clock(), actor.id, "user.change", person.name, group=group)
        work.commit()


def _may_manage(actor: User, group: Group) -> bool:
    return allows(actor, Permission.MANAGE_PEOPLE) or actor.name in group.managers


def _managed(actor: User, group: Group | None) -> Group:
    """Refuse a group that `actor` may not see like one that does not exist."""
    if group is None or not _may_manage(actor, group):
        raise NotFound("This group does not exist. It may have been removed.")
    return group


def _found(group: Group | None) -> Group:
    if group is None:
        raise NotFound("This group does not exist. It may have been removed.")
    return group


def _person(work: UnitOfWork, name: str) -> User:
    found = work.users.credentials(name.strip().lower())
    if found is None:
        raise NotFound("No account is named {name}.", name=name)
    return found.user


def _clean_name(name: str) -> str:
    cleaned = cut(one_line(name), MAX_NAME)
    if not cleaned:
        raise InvalidInput("A group needs a name.")
    return cleaned
