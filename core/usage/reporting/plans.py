"""List, add, change and remove plans of reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

from core.clock import Clock
from core.errors import InvalidInput, NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.tasks.jobs import Jobs
from core.tasks.timing import next_slot
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.usage.alerts.rules import Recipient, may_be_told
from core.usage.reporting.records import MadeReport, ReportMail, ReportPlan, StoredPlan

MAX_PLANS = 100
MAX_LISTED = 200
MAKE = "report.make"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOverview:
    """All plans. next: when each is made next, by id. names: of their owners, by id."""

    plans: tuple[StoredPlan, ...]
    next: Mapping[str, datetime]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SentReport:
    """A report that was made, and the mails with it."""

    report: MadeReport
    mails: tuple[ReportMail, ...]


class ReportPlans:
    """People who may see usage read plans and reports; people who may manage alerts change plans, since these send mail."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: Clock, time_zone: str = "UTC", *, can_mail: bool = False
    ) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._clock = clock
        self._zone = ZoneInfo(time_zone)
        self.can_mail = can_mail

    def overview(self, user: User) -> PlanOverview:
        require(user, Permission.VIEW_USAGE)
        now = self._clock()
        with self._unit_of_work() as work:
            plans = tuple(work.reports.plans())
            owners = [work.users.get(id) for id in sorted({each.owner_id for each in plans})]
        due = {each.id: next_slot(each.plan.timing, now, self._zone) for each in plans if each.enabled}
        names = {each.id: each.full_name or each.name for each in owners if each is not None}
        return PlanOverview(plans=plans, next={id: at for id, at in due.items() if at is not None}, names=names)

    def get(self, user: User, plan_id: str) -> StoredPlan:
        """Return a plan. Raises NotFound."""
        require(user, Permission.VIEW_USAGE)
        with self._unit_of_work() as work:
            return _found(work.reports.plan(plan_id))

    def people(self, user: User) -> Sequence[Recipient]:
        """Return whom a report can be sent to as a notice."""
        require(user, Permission.MANAGE_ALERTS)
        with self._unit_of_work() as work:
            return [Recipient(each.id, each.full_name or each.name) for each in work.users.all() if may_be_told(each)]

    def sent(self, user: User, plan_id: str | None = None, limit: int = 50) -> Sequence[SentReport]:
        """Return the reports that were made on schedule, newest first."""
        require(user, Permission.VIEW_USAGE)
        with self._unit_of_work() as work:
            reports = work.reports.reports(plan_id, min(max(limit, 1), MAX_LISTED))
            mails = work.reports.mails([each.id for each in reports])
        return [SentReport(each, tuple(mail for mail in mails if mail.report_id == each.id)) for each in reports]

    def add(self, user: User, plan: ReportPlan) -> StoredPlan:
        """Add a plan, which is made from now on. Raises InvalidInput, and NotAllowed for mails without the permission to export."""
        _require_for(user, plan)
        now = self._clock()
        stored = StoredPlan(
            id=uuid4().hex, plan=plan, owner_id=user.id, enabled=True, covered_until=now, created_at=now, updated_at=now
        )  # fmt: skip
        with self._unit_of_work() as work:
            plans = work.reports.plans()
            if len(plans) >= MAX_PLANS:
                raise InvalidInput("There are {most} reports already. Remove one first.", most=MAX_PLANS)
            _check(work, plan, {each.plan.name for each in plans})
            work.reports.add_plan(stored)
            record(work, now, user.id, "report.add", plan.name)
            work.commit()
        return stored

    def change(self, user: User, plan_id: str, plan: ReportPlan | None = None, *, enabled: bool | None = None) -> StoredPlan:
        """Change a plan, or switch it on or off. Its reports are made with the rights of whoever changed it last.

        Raises NotFound, InvalidInput, and NotAllowed for mails without the permission to export.
        """
        require(user, Permission.MANAGE_ALERTS)
        require(user, Permission.VIEW_USAGE)
        now = self._clock()
        with self._unit_of_work() as work:
            old = _found(work.reports.plan_for_change(plan_id))
            new = replace(
                old, plan=plan or old.plan, owner_id=user.id, enabled=old.enabled if enabled is None else enabled, updated_at=now,
                problem=None,
            )  # fmt: skip
            if new.enabled:
                _require_for(user, new.plan)
            if plan is not None:
                _check(work, plan, {each.plan.name for each in work.reports.plans() if each.id != plan_id})
            if new.plan.timing != old.plan.timing or (new.enabled and not old.enabled):
                new = replace(new, covered_until=now)
            work.reports.save_plan(new)
            record(work, now, user.id, "report.change", new.plan.name, enabled=str(new.enabled).lower())
            work.commit()
        return new

    def remove(self, user: User, plan_id: str) -> None:
        """Delete a plan with the reports that it made. Raises NotFound."""
        require(user, Permission.MANAGE_ALERTS)
        with self._unit_of_work() as work:
            old = _found(work.reports.plan_for_change(plan_id))
            work.reports.remove_plan(plan_id)
            record(work, self._clock(), user.id, "report.remove", old.plan.name)
            work.commit()

    def send_now(self, user: User, plan_id: str) -> None:
        """Make a report now, and send it to everyone who gets it. Raises NotFound, Conflict."""
        require(user, Permission.MANAGE_ALERTS)
        now = self._clock()
        with self._unit_of_work() as work:
            plan = _found(work.reports.plan(plan_id))
            begin(work, self._jobs, plan, now)
            record(work, now, user.id, "report.send", plan.plan.name)
            work.commit()
        self._jobs.wake()


def begin(work: UnitOfWork, jobs: Jobs, plan: StoredPlan, slot: datetime) -> None:
    """Add the job that makes a report. slot: the time for which it is made."""
    jobs.add(work, MAKE, {"plan": plan.id, "slot": slot.isoformat()}, key=f"{MAKE}:{plan.id}")


def may_make(owner: User, plan: ReportPlan) -> bool:
    """Tell whether a report is made for this person: one who is active, sees usage and may send, as files too if it is mailed."""
    return may_be_told(owner) and all(allows(owner, each) for each in _needed(plan))


def _require_for(user: User, plan: ReportPlan) -> None:
    for permission in _needed(plan):
        require(user, permission)


def _needed(plan: ReportPlan) -> Sequence[Permission]:
    """Return the permissions of a plan's owner. A mail has the report as a file, so that needs the one to export."""
    needed = [Permission.MANAGE_ALERTS, Permission.VIEW_USAGE]
    return [*needed, Permission.EXPORT] if plan.mails else needed


def _found(stored: StoredPlan | None) -> StoredPlan:
    if stored is None:
        raise NotFound("This report does not exist. It may have been removed.")
    return stored


def _check(work: UnitOfWork, plan: ReportPlan, taken: set[str]) -> None:
    """Raise InvalidInput for a name that is taken, or for people who cannot read the report."""
    if plan.name in taken:
        raise InvalidInput("There is already a report named {name}. Choose another name.", name=plan.name)
    for id in plan.people:
        person = work.users.get(id)
        if person is None or not may_be_told(person):
            raise InvalidInput("Only active people who may see usage can get reports. Remove the others from the report.")
