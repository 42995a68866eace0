"""Report on the progress of the review."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.services import PortalHere
from core.review.progress.records import Agreement, ProgressReport, Spread

router = APIRouter(prefix="/api/v1", tags=["feedback"])


class SpreadOut(BaseModel):
    n: int
    p50: float | None = Field(description="Seconds; null for fewer than 5.")
    p90: float | None

    @staticmethod
    def of(spread: Spread) -> SpreadOut:
        return SpreadOut(n=spread.n, p50=spread.p50, p90=spread.p90)


class DayOut(BaseModel):
    day: date
    opened: int
    closed: int
    open: int = Field(description="At the end of the day.")


class AgesOut(BaseModel):
    under_a_day: int
    under_a_week: int
    under_a_month: int
    older: int


class ReviewerOut(BaseModel):
    name: str
    closed: int
    judged: int
    to_close: SpreadOut


class TagOut(BaseModel):
    tag: str
    opened: int
    open: int
    to_close: SpreadOut


class AgreementOut(BaseModel):
    question: str = Field(description="The question's id.")
    label: str
    pairs: int = Field(description="Cases on which two reviewers answered it.")
    agreed: int
    kappa: float | None = Field(description="null for fewer than 20 pairs, or if both always answer the same.")
    low: float | None = Field(description="The 95 % interval of kappa.")
    high: float | None
    weighted: bool = Field(description="Ratings have linear weights.")

    @staticmethod
    def of(found: Agreement) -> AgreementOut:
        kappa = found.kappa
        return AgreementOut(
            question=found.question.id, label=found.question.label, pairs=found.pairs, agreed=found.agreed,
            kappa=kappa.value if kappa else None, low=kappa.low if kappa else None, high=kappa.high if kappa else None,
            weighted=found.question.top > 0,
        )  # fmt: skip


class FixesOut(BaseModel):
    fixed: int = Field(description="Complaints that were closed as fixed in this time.")
    asked_again: int = Field(description="Of those, the ones whose raters asked again afterwards.")
    satisfied: int = Field(description="Of those, the ones whose raters say that the fix helped.")
    not_satisfied: int


class ReviewProgressOut(BaseModel):
    days: list[DayOut]
    opened: int
    closed: int
    open: int
    oldest: datetime | None = Field(description="When the oldest open complaint was opened.")
    first_look: SpreadOut
    to_close: SpreadOut
    ages: AgesOut
    reviewers: list[ReviewerOut]
    tags: list[TagOut]
    agreement: list[AgreementOut]
    fixes: FixesOut

    @staticmethod
    def of(report: ProgressReport) -> ReviewProgressOut:
        ages = report.ages
        return ReviewProgressOut(
            days=[DayOut(day=each.day, opened=each.opened, closed=each.closed, open=each.open) for each in report.days],
            opened=report.opened, closed=report.closed, open=report.open, oldest=report.oldest,
            first_look=SpreadOut.of(report.first_look), to_close=SpreadOut.of(report.to_close),
            ages=AgesOut(
                under_a_day=ages.under_a_day, under_a_week=ages.under_a_week, under_a_month=ages.under_a_month, older=ages.older
            ),
            reviewers=[
                ReviewerOut(name=each.name, closed=each.closed, judged=each.judged, to_close=SpreadOut.of(each.to_close))
                for each in report.reviewers
            ],
            tags=[TagOut(tag=each.tag, opened=each.opened, open=each.open, to_close=SpreadOut.of(each.to_close)) for each in report.tags],
            agreement=[AgreementOut.of(each) for each in report.agreement],
            fixes=FixesOut(
                fixed=report.fixes.fixed, asked_again=report.fixes.asked_again, satisfied=report.fixes.satisfied,
                not_satisfied=report.fixes.not_satisfied,
            ),
        )  # fmt: skip


@router.get("/review-progress")
def progress(
    portal: PortalHere, user: SignedIn, days: Annotated[int, Query(ge=1, le=366, description="Up to today, in UTC.")] = 30
) -> ReviewProgressOut:
    """Report on complaints: how many came in and were closed, how fast, and how far reviewers agree."""
    return ReviewProgressOut.of(portal.review_progress.report(user, days))
