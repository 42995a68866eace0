"""List the answers behind a bar. Their text is never shown, and their title only where the reader may see the chat."""

from __future__ import annotations

from collections.abc import Sequence

from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from core.usage.records import UsageQuery
from core.usage.rollups.days import bounds_of
from core.usage.rollups.records import AnswerLine
from core.usage.rollups.service import Rollups

MAX_LINES = 200


class AnswerLines:
    """Lists answers for people who may see usage."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, rollups: Rollups) -> None:
        self._unit_of_work = unit_of_work
        self._rollups = rollups

    def of_days(self, user: User, query: UsageQuery, limit: int = 25) -> Sequence[AnswerLine]:
        """Return the newest answers of these days, at most MAX_LINES."""
        require(user, Permission.VIEW_USAGE)
        since, until = bounds_of(query.first, self._rollups.zone)[0], bounds_of(query.last, self._rollups.zone)[1]
        with self._unit_of_work() as work:
            return work.rollups.lines(since, until, query.model, query.group, user, max(1, min(limit, MAX_LINES)))
