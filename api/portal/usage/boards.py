"""Serve the figures of the boards as JSON and CSV, for managers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.download import download
from api.portal.shapes import Line
from api.services import PortalHere
from bootstrap.portal import Portal
from core.people.records import User
from core.usage.csv_file import to_csv
from core.usage.records import UsageQuery
from core.usage.sheets.records import Cell, Sheet

router = APIRouter(prefix="/api/v1/usage/boards", tags=["usage"])

Name = Annotated[str, Path(pattern="^[a-z0-9_]{1,40}$", description="overview, adoption, quality, speed, capacity or money.")]
TableName = Annotated[str, Path(pattern="^[a-z0-9_]{1,40}$", description="The name of a table of the board.")]
Day = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2199, 12, 31))]
First = Annotated[Day, Query(description="The first day, in the portal's time zone. Default: 27 days before the last.")]
Last = Annotated[Day, Query(description="The last day, inclusive. Default: today.")]


class FigureOut(BaseModel):
    name: str
    unit: str = Field(description="count, share (0 to 1), seconds, tokens_per_second, number or amount.")
    now: float | None = Field(description="null if nothing was measured.")
    before: float | None = Field(description="The same number of days just before; null if not known.")
    currency: str = Field(description="Of an amount; empty for others.")


class ColumnOut(BaseModel):
    name: str
    unit: str = Field(description="As of figures, and text or day.")


class BoardTableOut(BaseModel):
    name: str
    columns: list[ColumnOut]
    rows: list[list[Cell]] = Field(description="null is a value that was not measured.")


class BoardOut(BaseModel):
    board: str
    first: date
    last: date
    model: str | None
    group: str | None
    figures: list[FigureOut]
    tables: list[BoardTableOut]

    @staticmethod
    def of(sheet: Sheet) -> BoardOut:
        query = sheet.query
        return BoardOut(
            board=sheet.board.value, first=query.first, last=query.last, model=query.model, group=query.group,
            figures=[
                FigureOut(name=each.name, unit=each.unit.value, now=each.now, before=each.before, currency=each.currency)
                for each in sheet.figures
            ],
            tables=[
                BoardTableOut(
                    name=each.name, columns=[ColumnOut(name=column.name, unit=column.unit.value) for column in each.columns],
                    rows=[list(row) for row in each.rows],
                )
                for each in sheet.tables
            ],
        )  # fmt: skip


@router.get("/{board}")
def board(
    board: Name, portal: PortalHere, user: SignedIn, first: First = None, last: Last = None,
    model: Annotated[Line | None, Query()] = None, group: Annotated[Line | None, Query()] = None,
) -> BoardOut:  # fmt: skip
    """Return the figures and tables of a board."""
    return BoardOut.of(portal.sheets.read(user, board, _query(portal, user, first, last, model, group)))


@router.get("/{board}/{table}.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def board_table(
    board: Name, table: TableName, portal: PortalHere, user: SignedIn, first: First = None, last: Last = None,
    model: Annotated[Line | None, Query()] = None, group: Annotated[Line | None, Query()] = None,
) -> Response:  # fmt: skip
    """Return a table of a board as CSV."""
    found = portal.sheets.export(user, board, table, _query(portal, user, first, last, model, group))
    return download(to_csv([column.name for column in found.columns], found.rows), "text/csv; charset=utf-8", f"{board}-{table}.csv")


def _query(portal: Portal, user: User, first: date | None, last: date | None, model: str | None, group: str | None) -> UsageQuery:
    last = last or portal.boards.choices(user).today
    return UsageQuery(first=first or last - timedelta(days=27), last=last, model=model, group=group)
