"""Count the people of a period: by day and week, new and returning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from core.unit_of_work import UnitOfWork
from core.usage.records import UsageQuery
from core.usage.rollups.records import ActiveWeek


@dataclass(frozen=True, slots=True)
class People:
    """Who got an answer on which day, and who had one before the period."""

    by_day: Mapping[date, frozenset[str]]
    before: set[str]

    @property
    def active(self) -> int:
        return len(frozenset().union(*self.by_day.values()))

    @property
    def new(self) -> int:
        """Count the people whose first answer ever lies in the period."""
        return len(frozenset().union(*self.by_day.values()) - self.before)

    def weeks(self) -> list[ActiveWeek]:
        """Return the weeks with answers, oldest first."""
        found: dict[date, set[str]] = {}
        for day, people in sorted(self.by_day.items()):
            found.setdefault(day - timedelta(days=day.weekday()), set()).update(people)
        known = set(self.before)
        weeks = []
        for monday, active in found.items():
            weeks.append(ActiveWeek(monday, len(active), len(active - known)))
            known |= active
        return weeks


def people_of(work: UnitOfWork, query: UsageQuery) -> People:
    """Read the people of a period."""
    return People(work.rollups.people_by_day(query), work.rollups.known_before(query.first))
