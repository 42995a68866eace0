"""Serve usage reports, for managers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Line
from api.services import PortalHere
from core.usage.reports import UsageQuery
from core.usage.totals import Totals

router = APIRouter(prefix="/api/v1", tags=["usage"])

Day = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2199, 12, 31))]


class TotalsOut(BaseModel):
    """Sums and quantiles; null if there is nothing to measure. Durations are in seconds."""

    answers: int
    people: int
    chats: int
    prompt_tokens: int
    completion_tokens: int
    tokens: int
    errors: int
    rated: int
    rated_good: int
    satisfaction: float | None = Field(description="Share of rated answers rated good, 0 to 1.")
    satisfaction_interval: tuple[float, float] | None = Field(description="95 % Wilson score interval.")
    latency_p50: float | None
    latency_p95: float | None
    ttft_p50: float | None
    ttft_p95: float | None
    tokens_per_second: float | None
    queue_p50: float | None = Field(description="Queue wait.")
    queue_p95: float | None
    inter_token_p95: float | None = Field(description="p95 over answers of each answer's p95 inter-token latency.")

    @staticmethod
    def of(sums: Totals) -> TotalsOut:
        return TotalsOut(
            answers=sums.answers, people=sums.people, chats=sums.chats, prompt_tokens=sums.prompt_tokens,
            completion_tokens=sums.completion_tokens, tokens=sums.tokens, errors=sums.errors, rated=sums.rated, rated_good=sums.rated_good,
            satisfaction=sums.satisfaction, satisfaction_interval=sums.satisfaction_interval(), latency_p50=sums.latency_p50,
            latency_p95=sums.latency_p95, ttft_p50=sums.ttft_p50, ttft_p95=sums.ttft_p95, tokens_per_second=sums.tokens_per_second,
            queue_p50=sums.queue_p50, queue_p95=sums.queue_p95, inter_token_p95=sums.inter_token_p95,
        )  # fmt: skip


class DayOut(TotalsOut):
    day: date


class NamedOut(TotalsOut):
    name: str = Field(description="The model or group. Empty for people without a group.")


class UsageReportOut(BaseModel):
    first: date
    last: date
    total: TotalsOut
    before: TotalsOut = Field(description="The same number of days just before.")
    by_day: list[DayOut]
    by_model: list[NamedOut]
    by_group: list[NamedOut]


@router.get("/usage")
def usage(
    portal: PortalHere,
    user: SignedIn,
    first: Annotated[Day, Query(description="The first day, UTC. Default: 29 days before the last.")] = None,
    last: Annotated[Day, Query(description="The last day, UTC, inclusive. Default: today.")] = None,
    model: Annotated[Line | None, Query()] = None,
    group: Annotated[Line | None, Query()] = None,
) -> UsageReportOut:
    """Return people, chats, tokens, satisfaction and times of a period: in total, and by day, model and group."""
    last = last or datetime.now(UTC).date()
    report = portal.usage.report(user, UsageQuery(first=first or last - timedelta(days=29), last=last, model=model, group=group))
    return UsageReportOut(
        first=report.query.first,
        last=report.query.last,
        total=TotalsOut.of(report.total),
        before=TotalsOut.of(report.before),
        by_day=[DayOut(day=day, **dict(TotalsOut.of(sums))) for day, sums in report.by_day],
        by_model=[NamedOut(name=name, **dict(TotalsOut.of(sums))) for name, sums in report.by_model],
        by_group=[NamedOut(name=name, **dict(TotalsOut.of(sums))) for name, sums in report.by_group],
    )
