"""Run one SELECT on the tables of a locked database."""

from __future__ import annotations

import time
from typing import Any

import duckdb

from data.table_files.describing.values import cell_of, kind_of
from data.table_files.limits import MAX_RESULT_BYTES
from data.table_files.refusal import Refused

BATCH = 500
MAX_PROBLEM_LENGTH = 600


def answer(database: duckdb.DuckDBPyConnection, sql: str, most_rows: int) -> dict[str, Any]:
    """Return columns, rows, whether there are more, and seconds. Raises Refused."""
    began = time.monotonic()
    select = _one_select(database, sql)
    try:
        found = database.execute(f"SELECT * FROM (\n{select}\n) LIMIT {most_rows + 1}")
        columns = [[name, kind_of(str(kind)).value] for name, kind, *_ in found.description or ()]
        rows, more = _rows(found, most_rows)
    except duckdb.OutOfMemoryException as problem:
        raise Refused("heavy") from problem
    except duckdb.Error as problem:
        raise Refused("sql", problem=_said(problem)) from problem
    return {"columns": columns, "rows": rows, "more": more, "seconds": round(time.monotonic() - began, 3)}


def _one_select(database: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Return the statement without its semicolon. Raises Refused unless it is one SELECT."""
    try:
        statements = database.extract_statements(sql)
    except duckdb.Error as problem:
        raise Refused("sql", problem=_said(problem)) from problem
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise Refused("not a select")
    select = str(statements[0].query)
    ends = [at for at, _ in duckdb.tokenize(select) if select.encode()[at : at + 1] == b";"]
    return select.encode()[: ends[-1]].decode() if ends else select


def _rows(found: duckdb.DuckDBPyConnection, most: int) -> tuple[list[list[object]], bool]:
    """Return rows up to the limits, and whether there are more."""
    rows: list[list[object]] = []
    size = 0
    while batch := found.fetchmany(BATCH):
        for row in batch:
            cells: list[object] = [cell_of(each) for each in row]
            size += sum(len(str(each)) + 4 for each in cells)
            if len(rows) == most or size > MAX_RESULT_BYTES:
                return rows, True
            rows.append(cells)
    return rows, False


def _said(problem: duckdb.Error) -> str:
    """Return what the database says of a query, on one line and without its own drawing."""
    words = str(problem).split("\n\nLINE ")[0]
    return " ".join(words.split())[:MAX_PROBLEM_LENGTH]
