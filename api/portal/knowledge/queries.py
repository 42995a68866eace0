"""Serve queries of tables in files."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.knowledge.files import PATH
from api.portal.shapes import Asked, ColumnType, Id
from api.services import PortalHere
from core.knowledge.tables.queries import MAX_ROWS
from core.knowledge.tables.records import Cell, QueryResult

router = APIRouter(prefix=PATH, tags=["files"])


class AskedQuery(Asked):
    sql: str = Field(description="One SELECT statement in DuckDB's SQL. Tables and columns are named as the file's record says.")
    max_rows: int = Field(default=1_000, description=f"Most rows to return, 1 to {MAX_ROWS:,}.")


class ResultColumnOut(BaseModel):
    name: str
    type: ColumnType


class ResultOut(BaseModel):
    columns: list[ResultColumnOut]
    rows: list[list[Cell]]
    more: bool = Field(description="Whether there are more rows than were returned.")
    seconds: float = Field(description="How long the query took, without reading the file.")

    @staticmethod
    def of(found: QueryResult) -> ResultOut:
        return ResultOut(
            columns=[ResultColumnOut(name=each.name, type=each.kind.value) for each in found.columns], rows=list(map(list, found.rows)),
            more=found.more, seconds=found.seconds,
        )  # fmt: skip


@router.post("/{file_id}/query")
def query(file_id: Id, body: AskedQuery, portal: PortalHere, user: SignedIn) -> ResultOut:
    """Run a query on the tables of an own file."""
    return ResultOut.of(portal.table_queries.run(user, [file_id], body.sql, body.max_rows))
