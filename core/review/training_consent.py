"""Let people decide whether their chats may be used to improve models."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.clock import Clock
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Whether a person's chats may get into datasets."""

    agreed: bool
    own: bool
    """Whether the person decided; False: the default of the group applies."""


class TrainingConsent:
    """Stores the decisions of people. Nobody's chats are used unless they agreed, or their group did and they did not object."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def get(self, user: User) -> Consent:
        """Return the person's own decision, or the default of the group."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            choice = work.training_choices.get(user.id)
            agreed = user.id in agreed_people(work, [user]) if choice is None else choice
        return Consent(agreed=agreed, own=choice is not None)

    def choose(self, user: User, agreed: bool | None) -> Consent:
        """Store the person's decision; None removes it, so that the default of the group applies."""
        require(user, Permission.CHAT)
        now = self._clock()
        with self._unit_of_work() as work:
            work.training_choices.put(user.id, agreed, now)
            record(work, now, user.id, "training.choose", user.name, agreed="" if agreed is None else "yes" if agreed else "no")
            work.commit()
        return self.get(user)


def agreed_people(work: UnitOfWork, people: Collection[User]) -> frozenset[str]:
    """Return the ids of those of `people` whose chats may be used."""
    groups = {group.name for group in work.groups.all() if group.improves_models}
    choices = work.training_choices.all()
    return frozenset(each.id for each in people if choices.get(each.id, each.group in groups))
