"""Serve the history of the machines as JSON, for managers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Line, Moment
from api.services import PortalHere
from core.usage.machines.records import UNITS, Span, Subject

router = APIRouter(prefix="/api/v1/usage/machines", tags=["usage"])

SubjectWord = Literal["machine", "gpu", "model"]
Time = Annotated[Moment | None, Query(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2199, 12, 31, tzinfo=UTC))]


class GaugeOut(BaseModel):
    unit: str = Field(description="share (0 to 1), bytes, watts, celsius or count.")
    readings: int
    mean: float
    lowest: float
    highest: float


class SpanOut(BaseModel):
    at: datetime = Field(description="The start of the minute or hour.")
    server: str
    subject: SubjectWord
    name: str = Field(description="Of the GPU or model; empty for the machine.")
    gauges: dict[str, GaugeOut] = Field(description="What could not be measured is absent.")

    @staticmethod
    def of(span: Span) -> SpanOut:
        gauges = {
            gauge.value: GaugeOut(unit=UNITS[gauge].value, readings=each.n, mean=each.mean, lowest=each.low, highest=each.high)
            for gauge, each in span.gauges.items()
        }
        return SpanOut(at=span.at, server=span.server, subject=span.subject.value, name=span.name, gauges=gauges)


class MachinesOut(BaseModel):
    step: int
    since: datetime
    until: datetime
    servers: list[str] = Field(description="All servers with a history.")
    items: list[SpanOut] = Field(description="The oldest first. Time in which a server measured nothing has no item.")


@router.get("")
def machines(
    portal: PortalHere, user: SignedIn,
    step: Annotated[int, Query(ge=60, le=3600, description="60 (kept for 30 days) or 3600 (kept for 400 days).")] = 3600,
    since: Annotated[Time, Query(description="Default: 24 steps of an hour, or 60 of a minute, before the end.")] = None,
    until: Annotated[Time, Query(description="Default: now.")] = None,
    subject: Annotated[SubjectWord | None, Query()] = None,
    server: Annotated[Line | None, Query()] = None,
) -> MachinesOut:  # fmt: skip
    """Return what the servers measured of themselves, their GPUs and their models, by minute or hour."""
    end = until or portal.machine_history.now()
    begin = since or end - timedelta(seconds=step * (24 if step == 3600 else 60))
    found = portal.machine_history.spans(user, step, begin, end, None if subject is None else Subject(subject), server)
    return MachinesOut(
        step=step, since=begin, until=end, servers=list(portal.machine_history.servers(user)), items=[SpanOut.of(each) for each in found]
    )
