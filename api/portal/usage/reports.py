"""Plan reports, and read those that were made on schedule."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.download import download
from api.portal.shapes import Asked, Id, Line, at_least_one
from api.services import Portal, PortalHere
from core.people.records import User
from core.tasks.records import Every
from core.usage.records import Language
from core.usage.reporting.plans import PlanOverview, SentReport
from core.usage.reporting.records import Period, ReportMail, ReportPlan, StoredPlan
from core.usage.reporting.writer import ReportFormat

router = APIRouter(prefix="/api/v1/usage", tags=["usage"])

LanguageWord = Literal["en", "zh"]
EveryWord = Literal["never", "week", "month"]
"""A report covers a week or a month, so none is made every day."""


class PlanFields(Asked):
    """What a report shows, when it is made, and who gets it."""

    name: Line
    cards: list[Annotated[str, Field(pattern="^[a-z]+\\.[a-z0-9_]+$")]] = Field(
        max_length=50, description="Tables of boards as board.table, or board.figures.",
    )  # fmt: skip
    period: Literal["last_week", "last_month", "free"] = "last_week"
    first: date | None = Field(default=None, strict=False, description="Of a free period.")
    last: date | None = Field(default=None, strict=False, description="Of a free period, inclusive.")
    model: Line | None = None
    group: Line | None = None
    every: EveryWord = "never"
    weekday: int = Field(default=0, ge=0, le=6, description="Of a weekly report; 0 is Monday.")
    day: int = Field(default=1, ge=1, le=28, description="Of a monthly report.")
    hour: int = Field(default=7, ge=0, le=23, description="In the portal's time zone.")
    people: list[Line] = Field(default_factory=list, max_length=200, description="Ids of people who get a notice.")
    mails: list[Line] = Field(default_factory=list, max_length=20)
    language: LanguageWord = Field(default="en", description="Of the mails.")

    def plan(self) -> ReportPlan:
        """Return the plan. Raises InvalidInput."""
        return ReportPlan(
            name=self.name.strip(), cards=tuple(dict.fromkeys(self.cards)), period=Period(self.period), first=self.first, last=self.last,
            model=self.model, group=self.group, every=Every(self.every), weekday=self.weekday, day=self.day, hour=self.hour,
            people=tuple(dict.fromkeys(self.people)), mails=tuple(dict.fromkeys(self.mails)), language=Language(self.language),
        )  # fmt: skip

    @staticmethod
    def of(plan: ReportPlan) -> PlanFields:
        return PlanFields(
            name=plan.name, cards=list(plan.cards), period=plan.period.value, first=plan.first, last=plan.last, model=plan.model,
            group=plan.group, every=cast(EveryWord, plan.every.value), weekday=plan.weekday, day=plan.day, hour=plan.hour,
            people=list(plan.people), mails=list(plan.mails), language=plan.language.value,
        )  # fmt: skip


class NewPlan(Asked):
    plan: PlanFields


class ChangedPlan(Asked):
    plan: PlanFields | None = None
    enabled: bool | None = None


class PlanOut(BaseModel):
    id: str
    plan: PlanFields
    owner: str | None = Field(description="The name of whoever saved it last, with whose rights it is made.")
    enabled: bool
    next_at: datetime | None
    problem: str | None = Field(description="Why the last report was not made.")
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def of(stored: StoredPlan, overview: PlanOverview) -> PlanOut:
        return PlanOut(
            id=stored.id, plan=PlanFields.of(stored.plan), owner=overview.names.get(stored.owner_id), enabled=stored.enabled,
            next_at=overview.next.get(stored.id), problem=str(stored.problem) if stored.problem is not None else None,
            created_at=stored.created_at, updated_at=stored.updated_at,
        )  # fmt: skip


class PlansOut(BaseModel):
    items: list[PlanOut]


class ReportMailOut(BaseModel):
    address: str
    language: str
    state: Literal["waiting", "sent", "failed"]
    tries: int
    error: str | None

    @staticmethod
    def of(mail: ReportMail) -> ReportMailOut:
        error = str(mail.error) if mail.error is not None else None
        return ReportMailOut(address=mail.address, language=mail.language.value, state=mail.state.value, tries=mail.tries, error=error)


class MadeReportOut(BaseModel):
    id: str
    plan_id: str
    name: str
    first: date
    last: date
    made_at: datetime
    mails: list[ReportMailOut]

    @staticmethod
    def of(sent: SentReport) -> MadeReportOut:
        report = sent.report
        return MadeReportOut(
            id=report.id, plan_id=report.plan_id, name=report.name, first=report.first, last=report.last, made_at=report.made_at,
            mails=list(map(ReportMailOut.of, sent.mails)),
        )  # fmt: skip


class MadeReportsOut(BaseModel):
    items: list[MadeReportOut]


@router.get("/report-plans")
def plans(portal: PortalHere, user: SignedIn) -> PlansOut:
    """List all plans of reports."""
    overview = portal.report_plans.overview(user)
    return PlansOut(items=[PlanOut.of(each, overview) for each in overview.plans])


@router.post("/report-plans", status_code=201)
def add(body: NewPlan, portal: PortalHere, user: SignedIn) -> PlanOut:
    """Add a plan, which is made from now on."""
    return _read(portal, user, portal.report_plans.add(user, body.plan.plan()).id)


@router.get("/report-plans/{plan_id}")
def plan(plan_id: Id, portal: PortalHere, user: SignedIn) -> PlanOut:
    return _read(portal, user, plan_id)


@router.patch("/report-plans/{plan_id}")
def change(plan_id: Id, body: ChangedPlan, portal: PortalHere, user: SignedIn) -> PlanOut:
    """Change a plan, or switch it on or off. Its reports are then made with your rights."""
    at_least_one(plan=body.plan, enabled=body.enabled)
    portal.report_plans.change(user, plan_id, body.plan.plan() if body.plan is not None else None, enabled=body.enabled)
    return _read(portal, user, plan_id)


@router.delete("/report-plans/{plan_id}", status_code=204)
def remove(plan_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Delete a plan with the reports that it made."""
    portal.report_plans.remove(user, plan_id)


@router.post("/report-plans/{plan_id}/reports", status_code=202)
def send_now(plan_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Make a report now, and send it to everyone who gets it."""
    portal.report_plans.send_now(user, plan_id)


@router.get("/reports")
def reports(portal: PortalHere, user: SignedIn, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> MadeReportsOut:
    """List the reports that were made, newest first."""
    return MadeReportsOut(items=[MadeReportOut.of(each) for each in portal.report_plans.sent(user, limit=limit)])


@router.get("/reports/{report_id}/file", response_class=Response, responses={200: {"content": {
    "text/html": {}, "application/pdf": {}, "application/zip": {},
}}})  # fmt: skip
def file(
    report_id: Id, portal: PortalHere, user: SignedIn, format: Annotated[Literal["html", "pdf", "csv"], Query()] = "html",
    language: Annotated[LanguageWord, Query()] = "en",
) -> Response:  # fmt: skip
    """Return a report as one HTML page, as PDF, or as CSV files in a ZIP file."""
    made = portal.report_writer.made(user, report_id, ReportFormat(format), Language(language))
    ending = made.name.rpartition(".")[2]
    return download(made.content, made.media_type, f"report.{ending}")


def _read(portal: Portal, user: User, plan_id: str) -> PlanOut:
    return PlanOut.of(portal.report_plans.get(user, plan_id), portal.report_plans.overview(user))
