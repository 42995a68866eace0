"""Evaluate all rules every half minute, and tell people what changed in the same transaction."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from core.clock import Clock
from core.errors import PortalError
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.usage.alerts.evaluation import step
from core.usage.alerts.gauges import ReadNow
from core.usage.alerts.measures import UNKNOWN, Reading, Window, window_start
from core.usage.alerts.records import StoredRule
from core.usage.alerts.rule_records import NOW, AlertRule
from core.usage.alerts.telling.delivery import tell

log = logging.getLogger(__name__)

KIND = "alert.check"
EVERY = timedelta(seconds=30)
MAX_SAMPLES = 200_000
"""Most answers that one value is computed from; the newest count."""


class AlertChecks:
    """Evaluates rules in a recurring job, which runs on one server at a time."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: Clock, read_now: ReadNow, public_url: str = "") -> None:
        """public_url: the address of the portal, for links in messages."""
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._clock = clock
        self._read_now = read_now
        self._public_url = public_url

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(KIND, self._run, every=EVERY, most_tries=3, resumable=True, at_once=1, listed=False)]

    def check_all(self, report: Report | None = None) -> None:
        """Evaluate every rule that is due. A rule that cannot be measured has no data, and stops no other."""
        with self._unit_of_work() as work:
            rules = work.alerts.rules()
        for number, stored in enumerate(rules):
            if report is not None:
                report(number / len(rules))
            now = self._clock()
            if stored.enabled and is_due(stored, now):
                self._check(stored, now)

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        self.check_all(report)
        return {}

    def _check(self, stored: StoredRule, now: datetime) -> None:
        reading = self._read(stored.rule, now)
        with self._unit_of_work() as work:
            current = work.alerts.rule_for_change(stored.id)
            if current is None or not current.enabled or current.rule.condition() != stored.rule.condition():
                return  # It was changed while it was measured; the next check measures what it says now.
            taken = step(current.id, current.rule, current.status, reading, now)
            work.alerts.save_status(current.id, taken.status)
            if taken.ended is not None:
                work.alerts.end_episode(taken.ended)
            if taken.told is not None and taken.about is not None:
                tell(work, self._jobs, now, current, taken.told, taken.about, taken.status.value, self._public_url)
            work.commit()
        if taken.told is not None:
            log.info("The alert rule %s: %s.", current.id, taken.told.value)
            self._jobs.wake()

    def _read(self, rule: AlertRule, now: datetime) -> Reading:
        try:
            with self._unit_of_work() as work:
                return read(work, rule, now, self._read_now)
        except PortalError as problem:
            log.warning("An alert rule could not be measured: %s", problem)
            return UNKNOWN


def is_due(stored: StoredRule, now: datetime) -> bool:
    """Tell whether a rule's interval has passed, or the clock was put back."""
    checked = stored.status.checked_at
    return checked is None or not checked <= now < checked + stored.rule.interval - EVERY / 2


def read(work: UnitOfWork, rule: AlertRule, now: datetime, read_now: ReadNow) -> Reading:
    """Measure what a rule asks for. Raises Unavailable."""
    if rule.measure in NOW:
        return read_now(work, rule)
    window = Window(rule)
    for sample in work.alerts.samples(rule, window_start(rule, now), now, MAX_SAMPLES):
        window.add(sample)
    return window.reading(now)
