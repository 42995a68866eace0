"""Define schedules of templates, and the rules that fill their blanks with dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import StoredError
from core.tasks.records import Timing


class Rule(StrEnum):
    """A date that fills a blank at each start."""

    DAY = "day"
    """The day of the start."""
    DAY_BEFORE = "day_before"
    WEEK_BEFORE = "week_before"
    """The calendar week before, as 2026-W47."""
    MONTH = "month"
    MONTH_BEFORE = "month_before"
    """The calendar month before, as 2026-10."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSchedule:
    """When a person's runs of a template start, and with what. A person has one schedule for a template."""

    id: str
    template_id: str
    user_id: str
    version: int
    """The version of the template that was approved."""
    timing: Timing
    values: Mapping[str, str]
    """Texts in blanks, by name."""
    rules: Mapping[str, Rule]
    """Dates in blanks, by name."""
    files: tuple[str, ...] = ()
    """Ids of own files, in the order of the template's."""
    waits: bool = True
    """Whether runs wait for the person before anything leaves the portal."""
    enabled: bool = True
    covered_until: datetime
    """The time up to which runs were started, or need not be."""
    missed_at: datetime | None = None
    """When the last start was due, if it was late because no server ran then."""
    last_task_id: str | None = None
    """The task of the last start."""
    problem: StoredError | None = None
    """Why it stopped."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule, and when it starts next; None while it is off."""

    schedule: TaskSchedule
    next: datetime | None
