"""Show admins the state of the search index, and let them retry, compare and rebuild."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from core.clock import Clock
from core.errors import NotFound
from core.people.audit_events import record, record_alone
from core.people.permissions import Permission, require
from core.people.records import User
from core.search.ports import IndexKeeper, Reconciler, RejectedIndexJobs, SearchIndex
from core.search.records import Reconciliation, RejectedIndexJob
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import ACTIVE, Job, JobFilter, JobState, Json
from core.unit_of_work import UnitOfWorkFactory

_RECONCILE, _REBUILD = "index.reconcile", "index.rebuild"
EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class IndexState:
    """The state of the search index."""

    engine: str
    pending: int
    rejected: int
    behind_seconds: float
    rebuilding: bool
    reconciling: bool
    last: Reconciliation | None


class IndexMaintenance:
    """Shows and repairs the index. Comparing and rebuilding are jobs, with at most one of each active over all servers."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        jobs: Jobs,
        index: SearchIndex,
        keeper: IndexKeeper,
        rejected: RejectedIndexJobs,
        reconciler: Reconciler,
        clock: Clock,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._index = index
        self._keeper = keeper
        self._rejected = rejected
        self._reconciler = reconciler
        self._clock = clock

    def state(self, user: User) -> IndexState:
        """Return the state, even while the index is down. Raises Unavailable if the database is down."""
        require(user, Permission.RUN_STORE)
        now = self._clock()
        comparing = self._jobs.latest(JobFilter(kinds=(_RECONCILE,), states=ACTIVE))
        rebuilding = self._jobs.latest(JobFilter(kinds=(_REBUILD,), states=ACTIVE))
        compared = self._jobs.latest(JobFilter(kinds=(_RECONCILE,), states=(JobState.DONE,)))
        return IndexState(
            engine=self._index.engine,
            pending=self._keeper.pending(),
            rejected=self._rejected.count(),
            behind_seconds=self._keeper.behind(now),
            rebuilding=rebuilding is not None or self._keeper.is_rebuilding(),
            reconciling=comparing is not None and comparing.run_after <= now,
            last=_reconciliation(compared.result) if compared else None,
        )

    def rejected_jobs(self, user: User, limit: int = 100, after: int = 0) -> Sequence[RejectedIndexJob]:
        """List rejected jobs, oldest first. after: the number of the last job read."""
        require(user, Permission.RUN_STORE)
        return self._rejected.oldest(limit, after)

    def retry(self, user: User, number: int | None = None) -> int:
        """Retry one rejected job, or all of them for None; returns how many. Raises NotFound if that job was not rejected."""
        require(user, Permission.RUN_STORE)
        retried = self._rejected.retry(number)
        if number is not None and retried == 0:
            raise NotFound("There is no rejected job with this number. It may have completed.")
        record_alone(
            self._unit_of_work, self._clock(), user.id, "index.retry", "all" if number is None else str(number), retried=str(retried)
        )
        return retried

    def reconcile(self, user: User) -> None:
        """Start comparing the database and the index and repairing differences. state() shows when this is done."""
        require(user, Permission.RUN_STORE)
        self._begin(user, _RECONCILE, "index.reconcile")

    def rebuild(self, user: User) -> None:
        """Start filling a new index while this one stays in use. Searches move to the new one once it is complete."""
        require(user, Permission.RUN_STORE)
        self._begin(user, _REBUILD, "index.rebuild")

    def job_kinds(self) -> list[JobKind]:
        return [
            JobKind(_RECONCILE, self._reconcile, every=EVERY, most_tries=3, resumable=True),
            JobKind(_REBUILD, self._rebuild, most_tries=5, resumable=True),
        ]

    def _begin(self, user: User, kind: str, action: str) -> None:
        with self._unit_of_work() as work:
            self._jobs.run_now(work, kind, owner=user)
            record(work, self._clock(), user.id, action, self._index.engine)
            work.commit()
        self._jobs.wake()

    def _reconcile(self, job: Job, report: Report) -> Mapping[str, Json]:
        found = self._reconciler.reconcile(report)
        return {**asdict(found), "started_at": found.started_at.isoformat(), "ended_at": found.ended_at.isoformat()}

    def _rebuild(self, job: Job, report: Report) -> None:
        self._keeper.rebuild()


def _reconciliation(result: Mapping[str, Any]) -> Reconciliation:
    times = {name: datetime.fromisoformat(result[name]) for name in ("started_at", "ended_at")}
    return Reconciliation(**{**result, **times})
