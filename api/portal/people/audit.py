"""Serve the audit log: list and export its events, and verify its chain."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from api.identity import SignedIn
from api.portal.shapes import Asked, Line, Moment
from api.services import PortalHere
from core.access.audit_chain import Fault
from core.people.audit_records import THE_PORTAL, AuditEntry, AuditFilter
from core.usage.csv_cells import BOM, safe_cell

router = APIRouter(prefix="/api/v1", tags=["people"])

PORTAL = "portal"
"""Stands for the portal itself and the command line in the filter `actor_id`."""
CSV_COLUMNS = ("id", "at", "actor_id", "actor_name", "action", "subject", "details")
CSV_BLOCK = 500


class Verify(Asked):
    head: str = Field(default="", max_length=64, description="A head of earlier that must still occur.")


class Verified(BaseModel):
    events: int = Field(description="Events that are intact, up to the first fault.")
    head: str = Field(description="The hash of the newest of them. Note it elsewhere.")
    fault: Fault | None
    event_id: str | None = Field(description="The first event with a fault.")


class AuditEventOut(BaseModel):
    id: str
    at: datetime
    actor_id: str | None = Field(description="null: the portal itself, or the command line.")
    actor_name: str | None = Field(description="null also if the account no longer exists.")
    action: str = Field(description="A noun and a verb, such as user.change.")
    subject: str
    details: dict[str, str]

    @staticmethod
    def of(entry: AuditEntry) -> AuditEventOut:
        event = entry.event
        return AuditEventOut(
            id=entry.id, at=event.at, actor_id=event.actor_id, actor_name=entry.actor_name, action=event.action, subject=event.subject,
            details=dict(event.details),
        )  # fmt: skip


class AuditPageOut(BaseModel):
    items: list[AuditEventOut]
    total: int = Field(description="Total number of matches.")
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last.")
    cut: bool = Field(description="`q` occurs in more events, of which only the newest 1,000 were searched.")
    behind_seconds: float = Field(description="Age of the oldest change that the index does not have yet; only with `q`.")


def asked_filter(
    action: Annotated[Line | None, Query(description="Such as user.change.")] = None,
    actor_id: Annotated[Line | None, Query(description="The ID of a person, or `portal` for the portal and the command line.")] = None,
    since: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    until: Annotated[Moment | None, Query(description="Exclusive.")] = None,
) -> AuditFilter:
    return AuditFilter(action=action or None, actor_id=THE_PORTAL if actor_id == PORTAL else actor_id or None, since=since, until=until)


FilterHere = Annotated[AuditFilter, Depends(asked_filter)]
WordsHere = Annotated[Line, Query(description="Words in action, target, person or details.")]


@router.get("/audit")
def listing(
    portal: PortalHere,
    user: SignedIn,
    filter: FilterHere,
    q: WordsHere = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[Line | None, Query(description="`next_cursor` of the previous page.")] = None,
) -> AuditPageOut:
    """List events, newest first."""
    page = portal.audit.find(user, filter, q, limit, cursor)
    return AuditPageOut(
        items=[AuditEventOut.of(each) for each in page.entries], total=page.total, next_cursor=page.next_cursor, cut=page.cut,
        behind_seconds=page.behind_seconds,
    )  # fmt: skip


@router.get("/audit.csv", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}})
def export(portal: PortalHere, user: SignedIn, filter: FilterHere, q: WordsHere = "") -> StreamingResponse:
    """Export every match as CSV, UTF-8 with a byte order mark. Cells that a spreadsheet would run as a formula start with an apostrophe."""
    entries = iter(portal.audit.all(user, filter, q))
    # Read the first rows here, so that an error becomes a proper response instead of a truncated file.
    first = list(islice(entries, CSV_BLOCK))
    name = f"audit_{datetime.now(UTC):%Y-%m-%d}.csv"
    return StreamingResponse(
        csv_blocks(chain(first, entries)),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.post("/audit/verify")
def verify(body: Verify, portal: PortalHere, user: SignedIn) -> Verified:
    found = portal.audit_chain.verify(user, body.head)
    return Verified(events=found.events, head=found.head, fault=found.fault, event_id=found.event_id)


def csv_blocks(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """Yield the events as blocks of CSV text, with a byte order mark and a header row first."""
    entries, begins = iter(entries), BOM
    rows: list[tuple[object, ...]] = [CSV_COLUMNS]
    while rows:
        buffer = io.StringIO()
        csv.writer(buffer).writerows(rows)
        yield begins + buffer.getvalue()
        begins, rows = "", [_row(each) for each in islice(entries, CSV_BLOCK)]


def _row(entry: AuditEntry) -> tuple[object, ...]:
    event = entry.event
    details = ", ".join(f"{name}: {value}" for name, value in event.details.items())
    cells = (entry.id, event.at.isoformat(), event.actor_id, entry.actor_name, event.action, event.subject, details)
    return tuple(map(safe_cell, cells))
