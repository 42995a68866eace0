"""Recompute the costs of past answers after a price was corrected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from core.changes.markers import mark
from core.changes.records import Change
from core.clock import Clock
from core.errors import InvalidInput
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWorkFactory
from core.usage.money.records import MAX_NAME_LENGTH
from core.usage.records import UsageQuery
from core.usage.rollups.days import bounds_of
from core.usage.rollups.service import Rollups

KIND = "usage.reprice"


class Repricing:
    """Runs as a job, a day in each transaction. Costs by prices of the platforms file stay as they are."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, rollups: Rollups, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._rollups = rollups
        self._clock = clock

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(KIND, self._run, most_tries=3, resumable=True, at_once=1)]

    def start(self, user: User, model: str, first: date, last: date) -> Job:
        """Compute the costs of a model, or of model@platform, by the prices as they are now. Raises InvalidInput, Conflict."""
        require(user, Permission.RUN_MODELS)
        query = UsageQuery(first=first, last=last)
        if not model or len(model) > MAX_NAME_LENGTH:
            raise InvalidInput("Name the model whose costs should be recomputed.")
        now = self._clock()
        with self._unit_of_work() as work:
            payload = {"model": model, "first": first.isoformat(), "last": last.isoformat()}
            job = self._jobs.add(work, KIND, payload, owner=user, key=KIND)
            record(work, now, user.id, "price.reprice", model, first=first.isoformat(), last=last.isoformat())
            mark(work, bounds_of(query.first, self._rollups.zone)[0], Change.REPRICE, model, last=last.isoformat())
            work.commit()
        self._jobs.wake()
        return job

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        model, first, last = (str(job.payload[name]) for name in ("model", "first", "last"))
        start, days = date.fromisoformat(first), (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
        changed = skipped = 0
        for number in range(days):
            report(number / days)
            day = start + timedelta(days=number)
            with self._unit_of_work() as work:
                found = work.money.reprice(model, *bounds_of(day, self._rollups.zone))
                if not found:
                    continue
                if not self._rollups.add_up_again(work, day):
                    skipped += 1
                    continue
                work.commit()
            changed += found
        return {"answers": changed, "skipped_days": skipped}
