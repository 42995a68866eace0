"""Compute usage reports for managers from the append-only generation rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core.clock import Clock
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from core.usage.records import RatedGeneration, UsagePart
from core.usage.records import UsageQuery as UsageQuery
from core.usage.totals import CountedAnswers, Totals


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The totals of a period, and their parts by day, model and group."""

    query: UsageQuery
    total: Totals
    before: Totals
    """Totals of the same number of days just before."""
    by_day: tuple[tuple[date, Totals], ...]
    """Every day of the period, including days without answers."""
    by_model: tuple[tuple[str, Totals], ...]
    by_group: tuple[tuple[str, Totals], ...]
    """Groups with the most answers first. The group "" stands for people without a group."""


@dataclass(frozen=True, slots=True)
class PersonUsage:
    """The usage of one person in the period."""

    name: str
    chat: int
    """Answers in the chat."""
    api: int
    """Answers over REST."""
    errors: int
    tokens: int


@dataclass(frozen=True, slots=True)
class UsageParts:
    """The usage of a period by person, and by chat and REST."""

    query: UsageQuery
    parts: tuple[UsagePart, ...]

    def answers_by_day(self, *, by_page: bool) -> list[int]:
        """Return the number of answers on each day of the period, in chats or over REST."""
        days = {self.query.first + timedelta(days=n): 0 for n in range(self.query.days)}
        for part in self.parts:
            if part.by_page == by_page:
                days[part.day] += part.answers
        return list(days.values())

    def people(self, *, by_page: bool) -> int:
        return len({part.user_id for part in self.parts if part.by_page == by_page})

    def tokens(self, *, by_page: bool) -> int:
        return sum(part.prompt_tokens + part.completion_tokens for part in self.parts if part.by_page == by_page)

    def by_person(self) -> list[PersonUsage]:
        """List people, most tokens first."""
        whose: dict[str, list[UsagePart]] = {}
        for part in self.parts:
            whose.setdefault(part.user_id, []).append(part)
        found = [
            PersonUsage(
                name=parts[0].name,
                chat=sum(part.answers for part in parts if part.by_page),
                api=sum(part.answers for part in parts if not part.by_page),
                errors=sum(part.errors for part in parts),
                tokens=sum(part.prompt_tokens + part.completion_tokens for part in parts),
            )
            for parts in whose.values()
        ]
        return sorted(found, key=lambda each: (-each.tokens, each.name))


class UsageReports:
    """Makes usage reports."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def report(self, user: User, query: UsageQuery) -> UsageReport:
        require(user, Permission.VIEW_USAGE)
        with ThreadPoolExecutor(2) as both:  # The database counts both periods concurrently.
            now, before = both.map(self._counted, (query, query.before))
        by_day = now.by_day()
        days = [query.first + timedelta(days=n) for n in range(query.days)]
        return UsageReport(
            query=query,
            total=now.total(),
            before=before.total(),
            by_day=tuple((day, by_day.get(day, Totals())) for day in days),
            by_model=_ranked(now.by_model()),
            by_group=_ranked(now.by_group()),
        )

    def parts(self, user: User, query: UsageQuery) -> UsageParts:
        """Split the answers of a report by person, and by chat and REST."""
        require(user, Permission.VIEW_USAGE)
        with self._unit_of_work() as work:
            return UsageParts(query, tuple(work.generations.parts(query.first, query.last, query.model, query.group)))

    def rows(self, user: User, query: UsageQuery) -> Sequence[RatedGeneration]:
        """Return the rows behind a report without any text, and record the export in the audit log."""
        require(user, Permission.VIEW_USAGE)
        require(user, Permission.EXPORT)
        with self._unit_of_work() as work:
            since, until = (datetime.combine(day, time.min, UTC) for day in (query.first, query.last + timedelta(days=1)))
            found = work.generations.rated(since, until, query.model, query.group)
            details = {"rows": str(len(found)), "first": query.first.isoformat(), "last": query.last.isoformat()}
            record(work, self._clock(), user.id, "usage.export", "usage", **details)
            work.commit()
        return found

    def choices(self, user: User) -> tuple[Sequence[str], Sequence[str]]:
        """Return the models and groups that occur in the rows, as choices for filters."""
        require(user, Permission.VIEW_USAGE)
        with self._unit_of_work() as work:
            return work.generations.models(), work.generations.groups()

    def _counted(self, query: UsageQuery) -> CountedAnswers:
        with self._unit_of_work() as work:
            return work.generations.counted(query.first, query.last, query.model, query.group)


def _ranked(parts: Mapping[str, Totals]) -> tuple[tuple[str, Totals], ...]:
    """Sort parts by answers, most first, with ties in order of name, so that equal rows give equal reports."""
    return tuple(sorted(parts.items(), key=lambda part: (-part[1].answers, part[0])))
