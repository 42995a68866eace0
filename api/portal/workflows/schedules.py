"""Serve schedules of templates: one of each person for a template."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, FileId, Id, Line, Prose
from api.portal.workflows.shapes import ErrorOut
from api.services import PortalHere
from core.errors import NotFound
from core.tasks.records import Every, Timing
from core.workflows.schedules.records import Rule, ScheduleView
from core.workflows.schedules.schedules import GONE

router = APIRouter(prefix="/api/v1/task-templates/{template_id}/schedule", tags=["tasks"])

RuleWord = Literal["day", "day_before", "week_before", "month", "month_before"]


class ScheduleFields(Asked):
    version: int = Field(description="The version of the template whose steps you approve for each start.")
    every: Literal["day", "week", "month"]
    weekday: int = Field(default=0, ge=0, le=6, description="Of a weekly schedule; 0 is Monday.")
    day: int = Field(default=1, ge=1, le=28, description="Of a monthly schedule.")
    hour: int = Field(default=7, ge=0, le=23, description="In the portal's time zone.")
    values: dict[Line, Prose] = Field(default={}, max_length=20, description="Texts for blanks.")
    rules: dict[Line, RuleWord] = Field(default={}, max_length=20, description="Dates for the other blanks, made at each start.")
    files: list[FileId] = Field(default=[], max_length=10, description="Ids of own files, in the order of the template's.")
    waits: bool = Field(default=True, description="Wait for you before anything leaves the portal.")


class Switched(Asked):
    enabled: bool


class ScheduleOut(BaseModel):
    version: int
    every: Literal["never", "day", "week", "month"]
    weekday: int
    day: int
    hour: int
    time_zone: str
    values: dict[str, str]
    rules: dict[str, Rule]
    files: list[str]
    waits: bool
    enabled: bool
    next: datetime | None = Field(description="When it starts next; null while it is off.")
    missed_at: datetime | None = Field(description="When the last start was due, if it was missed and made up later.")
    last_task_id: str | None = Field(description="The task of the last start.")
    problem: ErrorOut | None = Field(description="Why it stopped.")

    @staticmethod
    def of(view: ScheduleView, time_zone: str) -> ScheduleOut:
        found = view.schedule
        return ScheduleOut(
            version=found.version, every=found.timing.every.value, weekday=found.timing.weekday, day=found.timing.day,
            hour=found.timing.hour, time_zone=time_zone, values=dict(found.values), rules=dict(found.rules), files=list(found.files),
            waits=found.waits, enabled=found.enabled, next=view.next, missed_at=found.missed_at, last_task_id=found.last_task_id,
            problem=ErrorOut.of(found.problem),
        )  # fmt: skip


@router.get("")
def get(template_id: Id, portal: PortalHere, user: SignedIn) -> ScheduleOut:
    """Return your schedule for a template."""
    found = portal.task_schedules.of(user, template_id)
    if found is None:
        raise NotFound(GONE)
    return ScheduleOut.of(found, portal.task_schedules.time_zone)


@router.put("")
def put(template_id: Id, body: ScheduleFields, portal: PortalHere, user: SignedIn) -> ScheduleOut:
    """Approve the steps for each start from now on, in place of your earlier schedule. Not with an API key."""
    timing = Timing(every=Every(body.every), weekday=body.weekday, day=body.day, hour=body.hour)
    made = portal.task_schedules.put(
        user, template_id, body.version, timing, values=body.values, rules={name: Rule(each) for name, each in body.rules.items()},
        files=body.files, waits=body.waits,
    )  # fmt: skip
    return ScheduleOut.of(made, portal.task_schedules.time_zone)


@router.patch("")
def switch(template_id: Id, body: Switched, portal: PortalHere, user: SignedIn) -> ScheduleOut:
    """Switch your schedule off or on. Not with an API key."""
    return ScheduleOut.of(portal.task_schedules.switch(user, template_id, body.enabled), portal.task_schedules.time_zone)


@router.delete("", status_code=204)
def remove(template_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Remove your schedule; its runs stay. Not with an API key."""
    portal.task_schedules.remove(user, template_id)
