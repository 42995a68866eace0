"""Set, switch and remove schedules of templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import uuid4
from zoneinfo import ZoneInfo

from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.people.sessions import refuse_keys
from core.tasks.records import Every, Timing
from core.tasks.timing import next_slot
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.workflows.schedules.records import Rule, ScheduleView, TaskSchedule
from core.workflows.schedules.rules import ruled
from core.workflows.templates.library import seen
from core.workflows.templates.running import ready_files, ready_values

GONE = "This template has no schedule of yours."


class TaskSchedules:
    """Manages a person's schedules. core/workflows/schedules/starts.py starts what is due."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, time_zone: str = "UTC") -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._zone = ZoneInfo(time_zone)
        self.time_zone = time_zone

    def of(self, user: User, template_id: str) -> ScheduleView | None:
        """Return the person's schedule for a template; None if there is none. Raises NotFound."""
        with self._unit_of_work() as work:
            seen(work, user, template_id)
            found = work.task_schedules.of(user.id, template_id)
        return None if found is None else self._view(found)

    def put(
        self, user: User, template_id: str, version: int, timing: Timing, *, values: Mapping[str, str] | None = None,
        rules: Mapping[str, Rule] | None = None, files: Sequence[str] = (), waits: bool = True,
    ) -> ScheduleView:  # fmt: skip
        """Approve a template in this version for each start from now on, in place of an earlier schedule of the person.

        files: ids of own files. Raises NotAllowed (an API key), NotFound, InvalidInput, and Conflict if the template was changed.
        """
        refuse_keys(user)
        if timing.every is Every.NEVER:
            raise InvalidInput("Choose how often it runs: every day, week or month.")
        texts, dates, now = dict(values or {}), dict(rules or {}), self._clock()
        if both := next((name for name in texts if name in dates), None):
            raise InvalidInput("Give a text or a rule for {name}, not both.", name=both[:60])
        with self._unit_of_work() as work:
            template = seen(work, user, template_id)
            if template.version != version:
                raise Conflict("The template was changed meanwhile. Read its steps again, then run it.")
            today = now.astimezone(self._zone).date()
            checked = ready_values(template, {**texts, **{name: ruled(rule, today) for name, rule in dates.items()}})
            ready_files(work, user, template, files)
            before = work.task_schedules.of(user.id, template_id)
            made = TaskSchedule(
                id=before.id if before else uuid4().hex, template_id=template_id, user_id=user.id, version=version, timing=timing,
                values={name: checked[name] for name in texts}, rules=dates, files=tuple(files), waits=waits, covered_until=now,
                created_at=before.created_at if before else now, updated_at=now, last_task_id=before.last_task_id if before else None,
            )  # fmt: skip
            if before is not None and work.task_schedules.lock(before.id) is not None:
                work.task_schedules.save(made)
            else:
                work.task_schedules.add(made)
            record(work, now, user.id, "template.schedule", template_id, every=timing.every.value)
            work.commit()
        return self._view(made)

    def switch(self, user: User, template_id: str, enabled: bool) -> ScheduleView:
        """Switch the person's schedule off, or on from now on. Raises NotFound, and Conflict if it must be saved anew."""
        refuse_keys(user)
        now = self._clock()
        with self._unit_of_work() as work:
            before = self._own(work, user, template_id)
            if enabled and before.problem is not None:
                raise Conflict("Fix what stopped it, then save the schedule again.")
            changed = replace(before, enabled=enabled, covered_until=now if enabled else before.covered_until, updated_at=now)
            work.task_schedules.save(changed)
            record(work, now, user.id, "template.schedule", template_id, enabled=str(enabled).lower())
            work.commit()
        return self._view(changed)

    def remove(self, user: User, template_id: str) -> None:
        """Remove the person's schedule; its runs stay. Raises NotFound."""
        refuse_keys(user)
        with self._unit_of_work() as work:
            work.task_schedules.remove(self._own(work, user, template_id).id)
            record(work, self._clock(), user.id, "template.unschedule", template_id)
            work.commit()

    def _view(self, schedule: TaskSchedule) -> ScheduleView:
        return ScheduleView(schedule, next_slot(schedule.timing, self._clock(), self._zone) if schedule.enabled else None)

    @staticmethod
    def _own(work: UnitOfWork, user: User, template_id: str) -> TaskSchedule:
        require(user, Permission.RUN_TASKS)
        found = work.task_schedules.of(user.id, template_id)
        locked = work.task_schedules.lock(found.id) if found is not None else None
        if locked is None:
            raise NotFound(GONE)
        return locked
