"""Claim background jobs and run each on its own thread while this server holds its lease."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from core.clock import Clock
from core.errors import Busy, PortalError, StoredError, Unavailable
from core.tasks.leadership import ALONE, Leadership
from core.tasks.records import Job, JobState, Json
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

MOST_AT_ONCE = 3
LEASE = timedelta(seconds=30)
RENEW_S = 1.0
"""Seconds between progress writes, which also notice a cancel, and between looks for due jobs."""
SCHEDULE_S = 60.0
"""Seconds between checks of the recurring jobs."""
FIRST_BACKOFF, LAST_BACKOFF = timedelta(seconds=5), timedelta(minutes=10)
KEEP_ENDED = timedelta(days=30)
STOPPED = "The portal was stopped before this finished. Start it again."
LOST = "The server ended while working on this. Start it again."
BUG = "This failed because of a fault in the portal. The log has the details under {job}."


class Cancelled(Exception):
    """The job was cancelled, or this server lost its lease. Only the worker catches it."""


class Stopping(Exception):
    """The portal is stopping. Only the worker catches it."""


class Report:
    """What a running job reports to its worker. Call it often: it raises Cancelled or Stopping when the job must end."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self.leave = threading.Event()
        """Set if the job must stop here and go on elsewhere."""
        self.lost = threading.Event()
        self.progress = 0.0
        self.detail: Mapping[str, Json] = {}

    def __call__(self, progress: float, **detail: Json) -> None:
        self.progress = max(0.0, min(1.0, progress))
        if detail:
            self.detail = detail
        self.check()

    def check(self) -> None:
        """Raise Cancelled or Stopping if the job must end."""
        if self.lost.is_set():
            raise Cancelled
        if self._stopping.is_set() or self.leave.is_set():
            raise Stopping


Handler = Callable[[Job, Report], Mapping[str, Json] | None]
"""Runs a job and returns its result. People see a PortalError that it raises."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """How jobs of one kind run.

    every: interval at which one runs by itself. most_tries: a failure that may pass (busy, unavailable, a bug) is retried, with growing
    delays. resumable: safe to run again from the beginning after a stop of the portal. at_once: how many of this kind run together, beside
    the others; None: they share the worker's limit. kept: whether a job that is done stays in the list of jobs. needs_model: it asks
    a model, so a server without one leaves it to others.
    """

    name: str
    run: Handler
    every: timedelta | None = None
    most_tries: int = 1
    resumable: bool = False
    at_once: int | None = None
    kept: bool = True
    needs_model: bool = False

    @property
    def tries_allowed(self) -> int:
        """Return the tries after which a job whose server died is given up: the job may have caused it."""
        return max(self.most_tries, 3) if self.resumable else self.most_tries


class JobWorker:
    """Runs jobs of the given kinds. Several servers may share a job table; with SQLite there is one."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        kinds: Sequence[JobKind],
        clock: Clock,
        server: str,
        woken: threading.Event,
        *,
        alone: bool,
        leadership: Leadership = ALONE,
        has_model: Callable[[], bool] = lambda: True,
    ) -> None:
        """woken: set when there may be something to do.

        alone: no other process works on this job table, so running jobs found at the start belong to nobody. leadership: who adds the
        recurring jobs and removes old ones. has_model: whether jobs that need a model can run here now.
        """
        self._leadership = leadership
        self._has_model = has_model
        self._draining = threading.Event()
        self._unit_of_work = unit_of_work
        self._kinds = {kind.name: kind for kind in kinds}
        self._clock = clock
        self._server = server
        self._alone = alone
        self._name = f"{server}/{uuid4().hex[:8]}"
        self._stopping = threading.Event()
        self._woken = woken
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Job, Report, threading.Thread]] = {}
        """By run. A job that was paused may begin again before its last run has ended."""
        self._thread: threading.Thread | None = None

    @property
    def kinds(self) -> set[str]:
        """Return the kinds of jobs it runs."""
        return set(self._kinds)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """End running jobs at their next report. Resumable ones wait for the next start; the others fail with a sentence."""
        self._stopping.set()
        self._woken.set()
        with self._lock:
            threads = [thread for _, _, thread in self._running.values()]
        for thread in (*threads, *([self._thread] if self._thread else [])):
            thread.join(timeout)

    def drain(self) -> None:
        """Begin no more jobs. Those that can go on elsewhere stop at their next report; the others continue."""
        self._draining.set()
        with self._lock:
            for job, report, _ in self._running.values():
                if self._kinds[job.kind].resumable:
                    report.leave.set()

    def count(self) -> int:
        """Return how many jobs run here."""
        with self._lock:
            return len(self._running)

    def step(self) -> int:
        """Start due jobs, up to the limit; returns how many. Raises Unavailable."""
        started = 0
        while not self._leaving() and (free := self._free_kinds()) and (claimed := self._claim(free)) is not None:
            job, run = claimed
            report = Report(self._stopping)
            thread = threading.Thread(target=self._run, args=(job, run, report), name=f"job-{job.kind}", daemon=True)
            with self._lock:
                self._running[run] = (job, report, thread)
                thread.start()  # Under the lock: close() joins every thread that it finds.
            started += 1
        return started

    def _leaving(self) -> bool:
        return self._stopping.is_set() or self._draining.is_set()

    def _work(self) -> None:
        prepared = down = led = False
        scheduled = time.monotonic()
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                if not prepared:
                    self._prepare()
                    prepared = True
                leads = self._leadership.holds()
                if leads and not led:
                    self._begin_to_lead()
                led = leads
                self._renew()
                self.step()
                if led and time.monotonic() - scheduled > SCHEDULE_S:
                    self._schedule()
                    scheduled = time.monotonic()
                down = False
            except Exception as problem:
                if not down:
                    # An unexpected error is a bug: log its origin and keep trying.
                    log.warning("background jobs are waiting: %s", problem, exc_info=not isinstance(problem, PortalError))
                down = True
            self._woken.wait(RENEW_S)

    def _prepare(self) -> None:
        """Take over what an earlier process of this server left."""
        if self._alone:
            with self._unit_of_work() as work:
                work.jobs.release(self._server, self._clock())
                work.commit()

    def _begin_to_lead(self) -> None:
        """Remove old jobs, and ensure that recurring jobs exist."""
        with self._unit_of_work() as work:
            work.jobs.remove_ended(self._clock() - KEEP_ENDED)
            work.commit()
        self._schedule(timedelta(minutes=1))

    def _schedule(self, wait: timedelta | None = None) -> None:
        """Ensure that one job of each recurring kind is active, also after someone cancelled it. wait: replaces its period."""
        with self._unit_of_work() as work:
            for kind in self._kinds.values():
                if kind.every is not None:
                    work.jobs.add(_recurring(kind, self._clock, wait or kind.every))
            work.commit()

    def _free_kinds(self) -> list[str]:
        """Return the kinds of which another job may begin now."""
        has_model = self._has_model()
        with self._lock:
            running = Counter(job.kind for job, _, _ in self._running.values())
        shared = sum(number for kind, number in running.items() if self._kinds[kind].at_once is None)
        return [
            kind.name
            for kind in self._kinds.values()
            if (shared < MOST_AT_ONCE if kind.at_once is None else running[kind.name] < kind.at_once)
            and (has_model or not kind.needs_model)
        ]

    def _claim(self, kinds: list[str]) -> tuple[Job, str] | None:
        """Return a job that is due and the name of its run, under which it is renewed and ended."""
        now = self._clock()
        run = f"{self._name}/{uuid4().hex[:8]}"
        with self._unit_of_work() as work:
            job = work.jobs.claim(run, self._server, kinds, now, now + LEASE)
            if job is not None:
                work.commit()
        if job is not None and job.tries > self._kinds[job.kind].tries_allowed:
            self._end(job, run, JobState.FAILED, {}, StoredError(LOST, {}, Unavailable.code))
            return self._claim(kinds)
        return None if job is None else (job, run)

    def _renew(self) -> None:
        with self._lock:
            running = dict(self._running)
        if not running:
            return
        with self._unit_of_work() as work:
            for run, (job, report, _) in running.items():
                if not work.jobs.renew(job.id, run, self._clock() + LEASE, report.progress, report.detail):
                    report.lost.set()
            work.commit()

    def _run(self, job: Job, run: str, report: Report) -> None:
        kind = self._kinds[job.kind]
        try:
            result = kind.run(job, report) or {}
            self._end(job, run, JobState.DONE, result, None)
        except Cancelled:
            self._end(job, run, JobState.CANCELLED, {}, None)
        except Stopping:
            if kind.resumable:
                self._postpone(job, run, timedelta(), None)
            else:
                self._end(job, run, JobState.FAILED, {}, StoredError(STOPPED, {}, Unavailable.code))
        except (Unavailable, Busy) as problem:
            log.warning("The job %s (%s) failed: %s", job.id, job.kind, problem)
            self._failed(job, run, kind, StoredError.of(problem))
        except PortalError as problem:
            log.warning("The job %s (%s) failed: %s", job.id, job.kind, problem)
            self._end(job, run, JobState.FAILED, {}, StoredError.of(problem))
        except Exception:
            # A bug: the log has it, people get a sentence.
            log.exception("The job %s (%s) failed", job.id, job.kind)
            self._failed(job, run, kind, StoredError(BUG, {"job": job.id}, Unavailable.code))
        finally:
            with self._lock:
                self._running.pop(run, None)
            self._woken.set()

    def _failed(self, job: Job, run: str, kind: JobKind, error: StoredError) -> None:
        if job.tries < kind.most_tries:
            self._postpone(job, run, min(LAST_BACKOFF, FIRST_BACKOFF * 2 ** (job.tries - 1)), error)
        else:
            self._end(job, run, JobState.FAILED, {}, error)

    def _end(self, job: Job, run: str, state: JobState, result: Mapping[str, Json], error: StoredError | None) -> None:
        kind = self._kinds[job.kind]

        def write() -> None:
            with self._unit_of_work() as work:
                ended = work.jobs.end(job.id, run, state, self._clock(), result, error)
                if ended and kind.every is not None:
                    work.jobs.add(_recurring(kind, self._clock, kind.every))
                if ended and not kind.kept and state is JobState.DONE:
                    work.jobs.remove(job.id)
                work.commit()

        self._keep_trying(write)

    def _postpone(self, job: Job, run: str, wait: timedelta, error: StoredError | None) -> None:
        def write() -> None:
            with self._unit_of_work() as work:
                work.jobs.postpone(job.id, run, self._clock() + wait, error)
                work.commit()

        self._keep_trying(write)

    def _keep_trying(self, write: Callable[[], None]) -> None:
        """Write an end even if the database is away for a while; if it stays away, the lease expires."""
        for attempt in range(10):
            try:
                write()
                return
            except Unavailable as problem:
                log.warning("the result of a job could not be saved: %s", problem)
                if self._stopping.wait(min(2.0**attempt, LEASE.total_seconds() / 3)):
                    return


def _recurring(kind: JobKind, clock: Clock, wait: timedelta) -> Job:
    now = clock()
    return Job(id=uuid4().hex, kind=kind.name, created_at=now, run_after=now + wait, key=kind.name)
