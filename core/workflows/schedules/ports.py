"""Declare the repository of schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.workflows.schedules.records import TaskSchedule


class ScheduleRepository(Protocol):
    """Stores schedules of templates. They end with their template."""

    def add(self, schedule: TaskSchedule) -> None: ...
    def of(self, user_id: str, template_id: str) -> TaskSchedule | None:
        """Return a person's schedule for a template."""
        ...

    def enabled(self) -> Sequence[TaskSchedule]: ...
    def lock(self, schedule_id: str) -> TaskSchedule | None:
        """Read a schedule, and lock it until the transaction ends."""
        ...

    def save(self, schedule: TaskSchedule) -> None:
        """Write all fields. Read the schedule with `lock` first."""
        ...

    def remove(self, schedule_id: str) -> None: ...
