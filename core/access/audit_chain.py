"""Verify that no audit event was changed, removed or inserted, beyond what retention rules removed and proved."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.access.audit_digest import GENESIS, digest
from core.clock import Clock
from core.people.audit_events import record_alone
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.records import Job, JobFilter, JobState, Json
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

KIND = "audit.verify"
EVERY = timedelta(days=1)
PAGE = 500
LINKS = "links"
"""The detail of a proof of deletion that holds the links which the removed events made: "before>last", separated by spaces."""


class Fault(StrEnum):
    CHANGED = "changed"
    """The event is not what its hash says."""
    MISSING = "missing"
    """Events before this one are gone, and no proof of deletion covers them."""
    UNCHAINED = "unchained"
    """The event has no hash: something else than this portal wrote it."""
    CUT = "cut"
    """The newest events are gone: the hash that was recorded earlier does not occur."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of one run over all events."""

    events: int
    head: str
    """The hash of the newest event. Note it elsewhere: who can change the database can also compute a new chain."""
    fault: Fault | None = None
    event_id: str | None = None
    """The first event with a fault."""


@dataclass(frozen=True, slots=True)
class NightlyResult(Verification):
    at: datetime | None = None


class AuditChain:
    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def verify(self, user: User | None, noted: str = "", check: Callable[[], None] = lambda: None) -> Verification:
        """Read all events, oldest first. noted: an earlier head that must occur. user None: the portal itself or the command line."""
        if user is not None:
            require(user, Permission.READ_AUDIT)
        with self._unit_of_work() as work:
            links_of_removed = work.audit.links_of_removed()
        head, events, after, noted_seen = GENESIS, 0, None, not noted
        while True:
            check()
            with self._unit_of_work() as work:
                rows = work.audit.chain(after, PAGE)
            for row in rows:
                if row.hash is None or row.previous is None:
                    return Verification(events=events, head=head, fault=Fault.UNCHAINED, event_id=row.id)
                if digest(row.previous, row.event) != row.hash:
                    return Verification(events=events, head=head, fault=Fault.CHANGED, event_id=row.id)
                if not _follows(links_of_removed, head, row.previous):
                    return Verification(events=events, head=head, fault=Fault.MISSING, event_id=row.id)
                head, events = row.hash, events + 1
                noted_seen = noted_seen or noted in (row.hash, row.previous)
            if len(rows) < PAGE:
                break
            after = rows[-1].id
        noted_seen = noted_seen or noted in links_of_removed.values()
        return Verification(events=events, head=head, fault=None if noted_seen else Fault.CUT)

    def last(self, user: User) -> NightlyResult | None:
        """Return the result of the last nightly run."""
        require(user, Permission.READ_AUDIT)
        with self._unit_of_work() as work:
            job = next(iter(work.jobs.find(JobFilter(kinds=(KIND,), states=(JobState.DONE,)), 1)), None)
        if job is None or not job.result or job.ended_at is None:
            return None
        result = job.result
        fault = Fault(str(result["fault"])) if result.get("fault") else None
        event_id = str(result["event_id"]) if result.get("event_id") else None
        return NightlyResult(int(str(result["events"])), str(result["head"]), fault, event_id, job.ended_at)

    def job_kinds(self) -> list[JobKind]:
        """Return the nightly job. It also writes the head to the log, which is kept elsewhere."""
        return [JobKind(KIND, self._run, every=EVERY, most_tries=3, resumable=True)]

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        found = self.verify(None, check=report.check)
        if found.fault is None:
            log.info("The audit log is intact: %d events, head %s.", found.events, found.head)
        else:
            log.error("The audit log is not intact: event %s is %s. Compare it with a backup.", found.event_id, found.fault.value)
            event = found.event_id or ""
            record_alone(self._unit_of_work, self._clock(), None, "audit.fault", event, fault=found.fault.value, count=str(found.events))
        return {"events": found.events, "head": found.head, "fault": found.fault, "event_id": found.event_id}


def _follows(links_of_removed: Mapping[str, str], head: str, previous: str) -> bool:
    """Tell whether an event follows `head`, directly or over events that were removed and proved."""
    for _ in range(len(links_of_removed) + 1):
        if head == previous:
            return True
        if head not in links_of_removed:
            return False
        head = links_of_removed[head]
    return False
