"""Start, read, stop and promote experiments, for people who run the models."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Id, Line
from api.services import PortalHere
from core.experiments.records import Design, Experiment, Guard, Guardrail, Metric, State
from core.experiments.results import Compared, Grown, Guarded
from core.experiments.service import ExperimentReport

router = APIRouter(prefix="/api/v1/experiments", tags=["models"])


class GuardrailIn(Asked):
    guard: Annotated[Guard, Field(strict=False)]
    limit: float = Field(description="A share from 0 to 1, or seconds for first_token_p95.")
    min_count: int = Field(default=50, description="Answers of B, or ratings, from which on it is checked.")


class DesignIn(Asked):
    name: Line
    question: Line = ""
    subject: Line = Field(description="A: the model or preset that people choose.")
    other: Line = Field(description="B: the model or preset that answers some of them instead.")
    groups: list[Line] = Field(default_factory=list, max_length=100, description="Names of groups. Without any, all people take part.")
    share: int = Field(default=100, description="Percent of the people who take part.")
    to_b: int = Field(default=50, description="Percent of those who get B.")
    metric: Annotated[Metric, Field(strict=False)] = Metric.SATISFACTION
    effect: float = Field(default=0.05, description="The smallest difference worth finding: of shares in the share, else relative to A.")
    baseline: float = Field(default=0.8, description="The expected share of A.")
    days: int = 14
    guardrails: list[GuardrailIn] = Field(default_factory=list, max_length=3)

    def design(self) -> Design:
        return Design(
            name=self.name, question=self.question, subject=self.subject, other=self.other, groups=tuple(self.groups), share=self.share,
            to_b=self.to_b, metric=self.metric, effect=self.effect, baseline=self.baseline, days=self.days,
            guardrails=tuple(Guardrail(guard=each.guard, limit=each.limit, min_count=each.min_count) for each in self.guardrails),
        )  # fmt: skip


class GuardOut(BaseModel):
    guard: Guard
    limit: float
    min_count: int
    value: float | None
    count: int

    @staticmethod
    def of(each: Guarded) -> GuardOut:
        rail = each.guardrail
        return GuardOut(guard=rail.guard, limit=rail.limit, min_count=rail.min_count, value=each.value, count=each.count)


class MetricOut(BaseModel):
    metric: Metric
    a: float | None
    b: float | None
    low: float | None = Field(description="Of the difference B - A; it holds at every look. Null with too few people.")
    high: float | None

    @staticmethod
    def of(each: Compared) -> MetricOut:
        return MetricOut(metric=each.metric, a=each.a, b=each.b, low=each.low, high=each.high)


class GrownOut(BaseModel):
    day: date = Field(description="All answers up to its end (UTC) are counted.")
    difference: float | None
    low: float | None
    high: float | None

    @staticmethod
    def of(each: Grown) -> GrownOut:
        return GrownOut(day=each.day, difference=each.compared.difference, low=each.compared.low, high=each.compared.high)


class ExperimentOut(BaseModel):
    id: str
    name: str
    question: str
    subject: str
    other: str
    groups: list[str]
    share: int
    to_b: int
    metric: Metric
    planned: int
    state: State
    started_at: datetime
    started_by: str
    ends_at: datetime
    ended_at: datetime | None
    counted_from: datetime = Field(description="Rows from then on are counted: the start, or when B was last given to more people.")
    alpha: float = Field(description="The share of experiments whose interval misses the truth at some look: 0.05, halved by each raise.")

    @staticmethod
    def of(each: Experiment) -> ExperimentOut:
        design = each.design
        return ExperimentOut(
            id=each.id, name=design.name, question=design.question, subject=design.subject, other=design.other,
            groups=list(design.groups), share=design.share, to_b=design.to_b, metric=design.metric, planned=each.planned,
            state=each.state, started_at=each.started_at, started_by=each.started_by_name, ends_at=each.ends_at, ended_at=each.ended_at,
            counted_from=each.counted_from, alpha=each.alpha,
        )  # fmt: skip


class ReportOut(BaseModel):
    experiment: ExperimentOut
    verdict: str
    metrics: list[MetricOut] = Field(description="The one that decides comes first.")
    guards: list[GuardOut]
    growth: list[GrownOut] = Field(description="The deciding metric at the end of each day; empty in lists.")
    people: list[int] = Field(description="With A, with B.")
    answers: list[int]
    counted: list[int] = Field(description="Answers or ratings that the deciding metric is made of.")
    split_ok: bool = Field(description="Whether people are split as planned.")

    @staticmethod
    def of(report: ExperimentReport) -> ReportOut:
        found = report.results
        return ReportOut(
            experiment=ExperimentOut.of(report.experiment), verdict=" ".join(str(each) for each in report.verdict),
            metrics=[MetricOut.of(each) for each in found.metrics], guards=[GuardOut.of(each) for each in found.guards],
            growth=[GrownOut.of(each) for each in report.growth],
            people=list(found.people), answers=list(found.answers), counted=list(found.counted), split_ok=found.split_ok,
        )  # fmt: skip


class ReportsOut(BaseModel):
    items: list[ReportOut]


class SizeOut(BaseModel):
    planned: int = Field(description="Answers or ratings of each variant.")


@router.get("")
def experiments(portal: PortalHere, user: SignedIn) -> ReportsOut:
    """List experiments, newest first."""
    return ReportsOut(items=[ReportOut.of(each) for each in portal.experiments.list(user)])


@router.post("", status_code=201)
def start(body: DesignIn, portal: PortalHere, user: SignedIn) -> ReportOut:
    """Start an experiment."""
    return ReportOut.of(portal.experiments.get(user, portal.experiments.start(user, body.design()).id))


@router.post("/size")
def size(body: DesignIn, portal: PortalHere, user: SignedIn) -> SizeOut:
    """Say how large an experiment has to be, without starting it."""
    return SizeOut(planned=portal.experiments.size(user, body.design()))


@router.get("/{experiment_id}")
def read(experiment_id: Id, portal: PortalHere, user: SignedIn) -> ReportOut:
    """Return an experiment with its current figures."""
    return ReportOut.of(portal.experiments.get(user, experiment_id))


@router.post("/{experiment_id}/stop")
def stop(experiment_id: Id, portal: PortalHere, user: SignedIn) -> ExperimentOut:
    """Give everybody A again; also after B was promoted."""
    return ExperimentOut.of(portal.experiments.stop(user, experiment_id))


class SplitIn(Asked):
    to_b: int = Field(description="Percent of the people who take part; more than before.")


@router.post("/{experiment_id}/split")
def raise_split(experiment_id: Id, body: SplitIn, portal: PortalHere, user: SignedIn) -> ExperimentOut:
    """Give B to more people. Counting starts over."""
    return ExperimentOut.of(portal.experiments.raise_split(user, experiment_id, body.to_b))


@router.post("/{experiment_id}/promote")
def promote(experiment_id: Id, portal: PortalHere, user: SignedIn) -> ExperimentOut:
    """Give B to everyone in the experiment's groups."""
    return ExperimentOut.of(portal.experiments.promote(user, experiment_id))
