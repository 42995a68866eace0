"""Keep the rollups up to date: one job adds up the days that are missing or have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from core.clock import Clock
from core.tasks.handlers import JobKind, Report
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.usage.rollups.days import bounds_of, rolled_up
from core.usage.rollups.records import DayState

EVERY = timedelta(minutes=5)
RECHECKED_DAYS = 35
"""Days back from today that are compared with their rows, for rows and ratings that came late. Older rollups stay as they are."""

FEW_ROWS = 5_000
"""Adding up so many rows takes less than a second."""


class Rollups:
    """Adds up the days. Doing it again changes nothing, and after a stop it continues where it was."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, time_zone: str = "UTC") -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self.zone = ZoneInfo(time_zone)

    def today(self) -> date:
        return self._clock().astimezone(self.zone).date()

    def run(self, check: Callable[[float], None] = lambda done: None) -> int:
        """Add up the days that are missing or have changed, newest first; return how many. check: hears the progress, raises to stop."""
        due = list(self._due())
        for number, day in enumerate(due):
            check(number / len(due))
            self._add_up(day)
        return len(due)

    def begin(self) -> bool:
        """Add up the days that nobody has added up yet, so that boards need not wait for the job; return whether the days before today
        are complete. Where there are many rows, the job does it.
        """
        today = self.today()
        with self._unit_of_work() as work:
            oldest = work.rollups.first_row()
            if oldest is None:
                return True
            first = oldest.astimezone(self.zone).date()
            begun = work.rollups.states(first, today)
            days = [first + timedelta(days=number) for number in range((today - first).days + 1)]
            missing = [day for day in days if day not in begun]
            if not missing:
                return True
            rows = work.rollups.signature(bounds_of(missing[0], self.zone)[0], bounds_of(missing[-1], self.zone)[1]).rows
        if rows > FEW_ROWS:
            return missing == [today]
        for day in missing:
            self._add_up(day)
        return True

    def job_kinds(self) -> list[JobKind]:
        """Return the recurring job."""
        return [JobKind("usage.rollup", self._run, every=EVERY, most_tries=3, resumable=True, listed=False)]

    def _due(self) -> Iterator[date]:
        """Yield the days to add up, newest first, since people look at those most."""
        today = self.today()
        with self._unit_of_work() as work:
            oldest = work.rollups.first_row()
            if oldest is None:
                return
            first = oldest.astimezone(self.zone).date()
            states = work.rollups.states(first - timedelta(days=1), today)
            first = min((first, *states))  # In another time zone, the first row may have been in the day before.
            for ago in range((today - first).days + 1):
                day = today - timedelta(days=ago)
                state = states.get(day)
                if state is None or state.zone != self.zone.key or ago == 0 or _ended_later(day, state, self.zone):
                    yield day
                    continue
                if ago < RECHECKED_DAYS and work.rollups.signature(*bounds_of(day, self.zone)) != state.signature:
                    yield day

    def add_up_again(self, work: UnitOfWork, day: date) -> bool:
        """Add a day up in a transaction that changed its rows. False if rows were removed since: then its numbers stay as they are."""
        bounds = bounds_of(day, self.zone)
        signature, before = work.rollups.signature(*bounds), work.rollups.states(day, day).get(day)
        if before is not None and signature.rows < before.signature.rows:
            return False
        work.rollups.put(rolled_up(day, self.zone, work.rollups.rows(*bounds), signature, self._clock()))
        return True

    def _add_up(self, day: date) -> None:
        bounds = bounds_of(day, self.zone)
        with self._unit_of_work() as work:
            signature = work.rollups.signature(*bounds)
            before = work.rollups.states(day, day).get(day)
            if before is not None and before.zone == self.zone.key and signature.rows < before.signature.rows:
                return  # Rows were removed since. The numbers outlive them.
            work.rollups.put(rolled_up(day, self.zone, work.rollups.rows(*bounds), signature, self._clock()))
            work.commit()

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        return {"days": self.run(report)}


def _ended_later(day: date, state: DayState, zone: ZoneInfo) -> bool:
    """Tell whether the day was not over when it was added up."""
    return state.computed_at < bounds_of(day, zone)[1]
