"""Claim background jobs and run each on its own thread while this server holds the job's lease."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import uuid4

from core.clock import Clock
from core.errors import Busy, PortalError, StoredError, Unavailable
from core.tasks.endings import LEASE, JobEndings, next_recurring
from core.tasks.handlers import Cancelled, JobKind, Report, Stopping
from core.tasks.leadership import ALONE, Leadership
from core.tasks.records import Job, JobState
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

MAX_AT_ONCE = 3
RENEW_S = 1.0
"""Seconds between progress writes, which also notice a cancel, and between checks for due jobs."""
SCHEDULE_S = 60.0
"""Seconds between checks of the recurring jobs."""
FIRST_BACKOFF, LAST_BACKOFF = timedelta(seconds=5), timedelta(minutes=10)
KEEP_ENDED = timedelta(days=30)
STOPPED = "The portal was stopped before this finished. Start it again."
LOST = "The server ended while working on this. Start it again."
BUG = "This failed because of a fault in the portal. The log has the details under {job}."


class JobWorker:
    """Runs jobs of the given kinds. Several servers may share a job table, except with SQLite."""

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
        """woken: set when there may be a job to run.

        alone: whether no other process works on this job table, so that running jobs found at the start have no worker. leadership: decides
        which process adds recurring jobs and removes old ones. has_model: tells whether jobs that need a model can run here now.
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
        self._endings = JobEndings(unit_of_work, clock, self._stopping)
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Job, Report, threading.Thread]] = {}
        """The running jobs, by run. A paused job may start again before its last run has ended."""
        self._thread: threading.Thread | None = None

    @property
    def kinds(self) -> set[str]:
        """Return the kinds of jobs that this worker runs."""
        return set(self._kinds)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """End running jobs at their next report. Resumable jobs wait for the next start; the others fail with an error sentence."""
        self._stopping.set()
        self._woken.set()
        with self._lock:
            threads = [thread for _, _, thread in self._running.values()]
        for thread in (*threads, *([self._thread] if self._thread else [])):
            thread.join(timeout)

    def drain(self) -> None:
        """Start no more jobs. Jobs that can continue on another server stop at their next report; the others keep running."""
        with self._lock:
            self._draining.set()
            for job, report, _ in self._running.values():
                if self._kinds[job.kind].resumable:
                    report.hand_over.set()

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
                # close() and drain() may have begun since the job was claimed. They take care of the runs that they find under the lock.
                if not (leaving := self._leaving()):
                    self._running[run] = (job, report, thread)
                    thread.start()
            if leaving:
                self._endings.postpone(job, run, timedelta(), None)
                break
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
        """Release the jobs that an earlier process of this server left running."""
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
        """Ensure that one job of each recurring kind is active, even after a cancel. wait: delay in place of the kind's interval."""
        with self._unit_of_work() as work:
            for kind in self._kinds.values():
                if kind.every is not None:
                    work.jobs.add(next_recurring(kind, self._clock, wait or kind.every))
            work.commit()

    def _free_kinds(self) -> list[str]:
        """Return the kinds of which another job may start now."""
        has_model = self._has_model()
        with self._lock:
            running = Counter(job.kind for job, _, _ in self._running.values())
        shared = sum(number for kind, number in running.items() if self._kinds[kind].at_once is None)
        return [
            kind.name
            for kind in self._kinds.values()
            if (shared < MAX_AT_ONCE if kind.at_once is None else running[kind.name] < kind.at_once)
            and (has_model or not kind.needs_model)
        ]

    def _claim(self, kinds: list[str]) -> tuple[Job, str] | None:
        """Return a due job and the name of its run, under which it is renewed and ended."""
        now = self._clock()
        run = f"{self._name}/{uuid4().hex[:8]}"
        with self._unit_of_work() as work:
            job = work.jobs.claim(run, self._server, kinds, now, now + LEASE)
            if job is not None:
                work.commit()
        if job is not None and job.tries > self._kinds[job.kind].tries_allowed:
            self._endings.end(job, self._kinds[job.kind], run, JobState.FAILED, {}, StoredError(LOST, {}, Unavailable.code))
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
            self._endings.end(job, kind, run, JobState.DONE, result, None)
        except Cancelled:
            self._endings.end(job, kind, run, JobState.CANCELLED, {}, None)
        except Stopping:
            if kind.resumable:
                self._endings.postpone(job, run, timedelta(), None)
            else:
                self._endings.end(job, kind, run, JobState.FAILED, {}, StoredError(STOPPED, {}, Unavailable.code))
        except (Unavailable, Busy) as problem:
            log.warning("The job %s (%s) failed: %s", job.id, job.kind, problem)
            self._failed(job, run, kind, StoredError.of(problem))
        except PortalError as problem:
            log.warning("The job %s (%s) failed: %s", job.id, job.kind, problem)
            self._endings.end(job, kind, run, JobState.FAILED, {}, StoredError.of(problem))
        except Exception:
            # This is a bug: the log gets the details, people get a sentence.
            log.exception("The job %s (%s) failed", job.id, job.kind)
            self._failed(job, run, kind, StoredError(BUG, {"job": job.id}, Unavailable.code))
        finally:
            with self._lock:
                self._running.pop(run, None)
            self._woken.set()

    def _failed(self, job: Job, run: str, kind: JobKind, error: StoredError) -> None:
        if job.tries < kind.most_tries:
            self._endings.postpone(job, run, min(LAST_BACKOFF, FIRST_BACKOFF * 2 ** (job.tries - 1)), error)
        else:
            self._endings.end(job, kind, run, JobState.FAILED, {}, error)
