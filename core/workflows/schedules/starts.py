"""Start what schedules say, once in all servers, with the rights that the person has then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.clock import Clock
from core.errors import Busy, Conflict, NotAllowed, PortalError, StoredError, Unavailable
from core.notices.giving import task_changed
from core.notices.records import NoticeKind
from core.people.permissions import Permission, allows
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, Json
from core.tasks.timing import due_slot
from core.unit_of_work import UnitOfWorkFactory
from core.workflows.records import Run
from core.workflows.schedules.records import TaskSchedule
from core.workflows.schedules.rules import ruled
from core.workflows.templates.running import TemplateRuns

SCHEDULE, START = "task.schedule", "task.start"
EVERY = timedelta(minutes=1)
MOST_TRIES = 6
LATE = timedelta(minutes=10)
"""A start that is later than this was missed, and is shown so."""
STOPPED = "Your account may no longer run tasks, so this schedule is off."


class ScheduledStarts:
    """Runs two kinds of jobs: look what is due, and start a run."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: Clock, runs: TemplateRuns, time_zone: str = "UTC") -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._clock = clock
        self._runs = runs
        self._zone = ZoneInfo(time_zone)

    def job_kinds(self) -> list[JobKind]:
        return [
            JobKind(SCHEDULE, self._look, every=EVERY, most_tries=3, resumable=True, at_once=1, listed=False),
            JobKind(START, self._start, most_tries=MOST_TRIES, resumable=True, at_once=1, listed=False),
        ]

    def begin_due(self) -> int:
        """Begin every start that is due; return how many. Of several missed ones only the newest is made up."""
        with self._unit_of_work() as work:
            schedules = work.task_schedules.enabled()
        begun = sum(self._begin(each) for each in schedules)
        if begun:
            self._jobs.wake()
        return begun

    def _begin(self, found: TaskSchedule) -> bool:
        now = self._clock()
        if due_slot(found.timing, found.covered_until, now, self._zone) is None:
            return False
        with self._unit_of_work() as work:
            schedule = work.task_schedules.lock(found.id)
            slot = due_slot(schedule.timing, schedule.covered_until, now, self._zone) if schedule is not None and schedule.enabled else None
            if schedule is None or slot is None:
                return False
            try:
                self._jobs.add(work, START, {"schedule": schedule.id, "slot": slot.isoformat()}, key=f"{START}:{schedule.id}")
            except Conflict:
                return False  # The start before is still being made; the next look begins this one.
            work.task_schedules.save(replace(schedule, covered_until=slot, missed_at=slot if now - slot > LATE else None))
            work.commit()
        return True

    def _look(self, job: Job, report: Report) -> Mapping[str, Json]:
        return {"begun": self.begin_due()}

    def _start(self, job: Job, report: Report) -> Mapping[str, Json]:
        with self._unit_of_work() as work:
            schedule = work.task_schedules.lock(str(job.payload["schedule"]))
            owner = work.users.get(schedule.user_id) if schedule is not None else None
        if schedule is None or not schedule.enabled:
            return {}
        try:
            if owner is None or not owner.active or not allows(owner, Permission.RUN_TASKS):
                raise NotAllowed(STOPPED)
            run = self._begun(owner, schedule, datetime.fromisoformat(str(job.payload["slot"])))
        except (Busy, Unavailable) as problem:
            if job.tries < MOST_TRIES:
                raise
            self._stop(schedule, problem)
            return {"stopped": True}
        except PortalError as problem:
            self._stop(schedule, problem)
            return {"stopped": True}
        with self._unit_of_work() as work:
            now = work.task_schedules.lock(schedule.id)
            if now is not None:
                work.task_schedules.save(replace(now, last_task_id=run.task_id))
                work.commit()
        return {"run": run.id}

    def _begun(self, owner: User, schedule: TaskSchedule, slot: datetime) -> Run:
        day = slot.astimezone(self._zone).date()
        values = {**schedule.values, **{name: ruled(rule, day) for name, rule in schedule.rules.items()}}
        return self._runs.run(owner, schedule.template_id, schedule.version, values, schedule.files, waits=schedule.waits)

    def _stop(self, schedule: TaskSchedule, problem: PortalError) -> None:
        """Switch a schedule off that cannot start, and tell its owner."""
        now = self._clock()
        with self._unit_of_work() as work:
            found = work.task_schedules.lock(schedule.id)
            if found is None:
                return
            work.task_schedules.save(replace(found, enabled=False, problem=StoredError.of(problem), updated_at=now))
            template = work.task_templates.get(found.template_id)
            if template is not None:
                task_changed(work, now, found.user_id, NoticeKind.SCHEDULE_STOPPED, template.title, template.id)
            work.commit()
