"""Read the history of the machines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.clock import Clock
from core.errors import InvalidInput
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from core.usage.machines.records import HOUR_S, HOURS_KEPT, MINUTE_S, STEPS, Span, Subject

MAX_SPANS = {MINUTE_S: timedelta(days=2), HOUR_S: HOURS_KEPT}
"""The longest period of one answer."""


class MachineHistory:
    """The history of all servers, for people who may see usage."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def now(self) -> datetime:
        return self._clock()

    def servers(self, user: User) -> Sequence[str]:
        """Return the servers with a history, by name."""
        require(user, Permission.VIEW_USAGE)
        with self._unit_of_work() as work:
            return work.machines.servers(self._clock() - HOURS_KEPT)

    def spans(
        self, user: User, step_s: int, since: datetime, until: datetime, subject: Subject | None = None, server: str | None = None
    ) -> Sequence[Span]:
        """Return the minutes or hours that start in [since, until), oldest first. Raises InvalidInput."""
        require(user, Permission.VIEW_USAGE)
        if step_s not in STEPS:
            raise InvalidInput("The history has steps of 60 and 3600 seconds.")
        if until <= since:
            raise InvalidInput("The end must lie after the start.")
        if until - since > MAX_SPANS[step_s]:
            raise InvalidInput("At most {days} days fit in one answer with this step. Choose a shorter time.", days=MAX_SPANS[step_s].days)
        with self._unit_of_work() as work:
            return work.machines.spans(step_s, since, until, subject, server)
