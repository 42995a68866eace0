"""Declare the repository of rollups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from core.people.records import User
from core.usage.records import UsageQuery
from core.usage.rollups.records import AnsweredRow, AnswerLine, By, DayRollup, DayState, HourCell, Measure, OwnAnswers, Signature, SumsOf
from core.usage.rollups.sketches import Sketch


class RollupRepository(Protocol):
    """Stores rollups, and reads sums, quantiles and people from them. Days are those of the portal's time zone."""

    def first_row(self) -> datetime | None:
        """Return when the oldest generation row was created."""
        ...

    def signature(self, since: datetime, until: datetime) -> Signature:
        """Count the generation rows created in [since, until), and their ratings."""
        ...

    def rows(self, since: datetime, until: datetime) -> Sequence[AnsweredRow]: ...
    def states(self, first: date, last: date) -> Mapping[date, DayState]:
        """Return the days that have a rollup."""
        ...

    def put(self, rollup: DayRollup) -> None:
        """Store the rollup of a day in the place of an earlier one."""
        ...

    def first_day(self) -> date | None:
        """Return the oldest day with rows."""
        ...

    def sums(self, query: UsageQuery, *by: By) -> Sequence[SumsOf]:
        """Add up the days of a query by these parts, and by currency."""
        ...

    def sketches(self, query: UsageQuery, by: By | None = None) -> Mapping[str, Mapping[Measure, Sketch]]:
        """Merge the sketches of the days of a query by this part; None: all under the key ""."""
        ...

    def people_by_day(self, query: UsageQuery) -> Mapping[date, frozenset[str]]:
        """Return the ids of the people who got an answer on each day."""
        ...

    def known_before(self, day: date) -> set[str]:
        """Return the ids of the people who got an answer before this day."""
        ...

    def answers_of(self, user_id: str, first: date) -> Sequence[OwnAnswers]:
        """Return the answers of one person since this day, by day and model."""
        ...

    def active_by_group(self, query: UsageQuery) -> Mapping[str, int]: ...
    def members(self) -> Mapping[str, int]:
        """Count the active accounts of each group."""
        ...

    def hours(self, query: UsageQuery) -> Sequence[HourCell]:
        """Return the hours of the days of a query. The group does not matter: all groups share a platform."""
        ...

    def latest_day(self, model: str | None, group: str | None) -> date | None:
        """Return the newest day with answers of this model and group."""
        ...

    def lines(
        self, since: datetime, until: datetime, model: str | None, group: str | None, reader: User, limit: int
    ) -> Sequence[AnswerLine]:
        """Return the newest answers created in [since, until), with titles of the reader's own chats and of chats shared with its group."""
        ...

    def targets(self) -> Sequence[str]:
        """Return each model on each platform that occurs in rollups, as model@platform."""
        ...

    def names(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return the models and the groups that occur in rollups."""
        ...
