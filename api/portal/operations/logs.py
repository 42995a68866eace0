"""Serve this server's log: its lines, kinds of errors, and the lines of one turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Line, Moment
from api.services import PortalHere
from core.operations.logs.records import ErrorKind, LogLevel, LogLine, LogQuery, TurnPart
from core.operations.logs.service import MOST_SHOWN

router = APIRouter(prefix="/api/v1/logs", tags=["operations"])
USUAL = timedelta(hours=24)


class LogLineOut(BaseModel):
    at: datetime
    level: LogLevel
    logger: str
    message: str = Field(description="Secrets are masked.")
    exception: str
    request_id: str
    user_id: str
    turn_id: str
    model: str
    thread: str

    @staticmethod
    def of(line: LogLine) -> LogLineOut:
        return LogLineOut(
            at=line.at, level=line.level, logger=line.logger, message=line.message, exception=line.exception, request_id=line.request_id,
            user_id=line.user_id, turn_id=line.turn_id, model=line.model, thread=line.thread,
        )  # fmt: skip


class LogPageOut(BaseModel):
    items: list[LogLineOut]
    total: int = Field(description="Number of lines that match.")
    warnings: int
    errors: int
    areas: list[str] = Field(description="Parts of the portal with lines in this period, whatever is asked.")
    cut: bool = Field(description="There were too many lines to read all; the oldest are missing.")


class ErrorKindOut(BaseModel):
    logger: str
    message: str = Field(description="The newest message of this kind.")
    count: int
    people: int
    first_at: datetime
    last_at: datetime
    is_new: bool = Field(description="The log has none from before the period, although it reaches further back.")

    @staticmethod
    def of(kind: ErrorKind) -> ErrorKindOut:
        return ErrorKindOut(
            logger=kind.logger, message=kind.message, count=kind.count, people=kind.people, first_at=kind.first_at, last_at=kind.last_at,
            is_new=kind.is_new,
        )  # fmt: skip


class ErrorKindsOut(BaseModel):
    items: list[ErrorKindOut]


class TimePart(BaseModel):
    name: TurnPart
    begin_s: float
    end_s: float


class LoggedTurnOut(BaseModel):
    began_at: datetime
    group: str
    parts: list[TimePart] = Field(description="Where the time went; empty if the answer was deleted or is being written.")
    items: list[LogLineOut]


def asked_query(
    q: Annotated[Line, Query(description="Words, and pairs such as level:error or turn:ID.")] = "",
    level: Annotated[LogLevel, Query(description="The least level.")] = LogLevel.INFO,
    area: Annotated[Line, Query(description="A part of the portal, such as core.chat.")] = "",
    since: Annotated[Moment | None, Query(description="Inclusive. Default: 24 hours before `until`.")] = None,
    until: Annotated[Moment | None, Query(description="Exclusive. Default: now.")] = None,
) -> LogQuery:
    end = until or datetime.now(UTC)
    begin = since or (end - USUAL if end - datetime.min.replace(tzinfo=UTC) > USUAL else end)
    return LogQuery(since=begin, until=end, words=q, level=level, area=area)


QueryHere = Annotated[LogQuery, Depends(asked_query)]


@router.get("")
def lines(
    portal: PortalHere, user: SignedIn, query: QueryHere, limit: Annotated[int, Query(ge=1, le=MOST_SHOWN)] = 100
) -> LogPageOut:
    """List the newest lines that match, newest first."""
    page = portal.logs.find(user, query, limit)
    return LogPageOut(
        items=[LogLineOut.of(each) for each in page.lines], total=page.total, warnings=page.warnings, errors=page.errors,
        areas=list(page.areas), cut=page.cut,
    )  # fmt: skip


@router.get("/errors")
def errors(portal: PortalHere, user: SignedIn, query: QueryHere) -> ErrorKindsOut:
    """List the kinds of errors, the most frequent first."""
    return ErrorKindsOut(items=[ErrorKindOut.of(each) for each in portal.logs.errors(user, query)])


@router.get("/turns/{turn_id}")
def turn(turn_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")], portal: PortalHere, user: SignedIn) -> LoggedTurnOut:
    """Return the lines of a turn, oldest first, and where its time went."""
    found = portal.logs.turn(user, turn_id)
    return LoggedTurnOut(
        began_at=found.began_at, group=found.group, items=[LogLineOut.of(each) for each in found.lines],
        parts=[TimePart(name=name, begin_s=begin, end_s=end) for name, begin, end in found.parts],
    )  # fmt: skip
