"""What one person used: answers by day and model, for that person alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from core.usage.rollups.records import OwnAnswers
from core.usage.rollups.service import Rollups

DAYS = 28


@dataclass(frozen=True, slots=True)
class OwnUse:
    """The answers that a person got in a period. Days are those of the portal's time zone."""

    first: date
    last: date
    answers: Sequence[OwnAnswers]


class OwnUsage:
    """Shows people what they used themselves."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, rollups: Rollups) -> None:
        self._unit_of_work = unit_of_work
        self._rollups = rollups

    def read(self, user: User) -> OwnUse:
        """Return the answers of the last 28 days, as far as they have been added up."""
        require(user, Permission.CHAT)
        self._rollups.begin()
        last = self._rollups.today()
        first = last - timedelta(days=DAYS - 1)
        with self._unit_of_work() as work:
            return OwnUse(first, last, work.rollups.answers_of(user.id, first))
