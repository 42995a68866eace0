"""What admins see and do about the search index: how far it is, what it refused, and whether it is true to the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.clock import Clock
from core.errors import NotFound
from core.people.permissions import Permission, require
from core.people.records import AuditEvent, User
from core.search.ports import IndexKeeper, ParkedJobs, Reconciler, SearchIndex
from core.search.records import ParkedJob, Reconciliation
from core.unit_of_work import Store


@dataclass(frozen=True, slots=True)
class IndexState:
    engine: str
    pending: int
    parked: int
    behind_seconds: float
    rebuilding: bool
    reconciling: bool
    last: Reconciliation | None


class IndexCare:
    def __init__(
        self, store: Store, index: SearchIndex, keeper: IndexKeeper, parked: ParkedJobs, reconciler: Reconciler, clock: Clock
    ) -> None:
        self._store = store
        self._index = index
        self._keeper = keeper
        self._parked = parked
        self._reconciler = reconciler
        self._clock = clock

    def state(self, user: User) -> IndexState:
        """Answers also while the index is down. Raises Unavailable where the store is."""
        require(user.role, Permission.RUN_STORE)
        return IndexState(
            self._index.engine,
            self._keeper.pending(),
            self._parked.count(),
            self._keeper.behind(self._clock()),
            self._keeper.is_rebuilding(),
            self._reconciler.running,
            self._reconciler.last,
        )

    def parked(self, user: User, limit: int = 100, after: int = 0) -> Sequence[ParkedJob]:
        """Oldest first; `after` is the number of the last one read."""
        require(user.role, Permission.RUN_STORE)
        return self._parked.oldest(limit, after)

    def retry(self, user: User, number: int | None = None) -> int:
        """Try one parked job again, or all; returns how many. Raises NotFound if that one is not parked."""
        require(user.role, Permission.RUN_STORE)
        retried = self._parked.retry(number)
        if number is not None and retried == 0:
            raise NotFound("There is no parked job with this number. It may be done by now.")
        self._audit(user, "index.retry", "all" if number is None else str(number), retried=str(retried))
        return retried

    def reconcile(self, user: User) -> None:
        """Begin to compare store and index; what differs is repaired. state() tells when it is done."""
        require(user.role, Permission.RUN_STORE)
        self._reconciler.ask()
        self._audit(user, "index.reconcile", self._index.engine)

    def rebuild(self, user: User) -> None:
        """Fill a new index beside this one and move searches to it when it is complete. Raises Unavailable."""
        require(user.role, Permission.RUN_STORE)
        self._keeper.rebuild()
        self._audit(user, "index.rebuild", self._index.engine)

    def _audit(self, user: User, action: str, subject: str, **details: str) -> None:
        with self._store() as work:
            work.audit.add(AuditEvent(self._clock(), user.id, action, subject, details))
            work.commit()
