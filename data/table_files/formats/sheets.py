"""Load the sheets of xlsx, xls and ods workbooks."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import duckdb
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

from data.table_files.formats.loaded import Loaded, in_memory, load_csv
from data.table_files.limits import MAX_COLUMNS, MAX_ROWS, MAX_TABLES
from data.table_files.names import column_names, table_name
from data.table_files.refusal import Refused

Value = int | float | str | bool | time | date | datetime | timedelta


def load_workbook(database: duckdb.DuckDBPyConnection, name: str, content: bytes, taken: set[str]) -> list[Loaded]:
    """Load each sheet with values as a table. Raises Refused."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        titles = [each.name for each in book.sheets_metadata if each.typ is SheetTypeEnum.WorkSheet]
        if len(titles) > MAX_TABLES:
            raise Refused("sheets", n=len(titles), limit=MAX_TABLES)
        sheets = [(title, _rows(book, title)) for title in titles]
    except PasswordError as problem:
        raise Refused("encrypted") from problem
    except CalamineError as problem:
        raise Refused("damaged") from problem
    filled = [(title, rows) for title, rows in sheets if len(rows) > 1]
    if not filled:
        raise Refused("empty")
    return [_loaded(database, name, title if len(filled) > 1 else "", rows, taken) for title, rows in filled]


def _rows(book: CalamineWorkbook, title: str) -> list[list[Value]]:
    """Return the rows of a sheet from its header on: the first row that is as wide as most others."""
    sheet = book.get_sheet_by_name(title)
    if sheet.total_height > MAX_ROWS:
        raise Refused("rows", limit=f"{MAX_ROWS:,}")
    rows = [row for row in sheet.to_python(skip_empty_area=True) if any(cell != "" for cell in row)]
    filled = sorted(sum(cell != "" for cell in row) for row in rows[:400])
    usual = filled[len(filled) // 2] if filled else 0
    first = next((at for at, row in enumerate(rows) if sum(cell != "" for cell in row) * 2 > usual), 0)
    return rows[first:]


def _loaded(database: duckdb.DuckDBPyConnection, name: str, title: str, rows: Sequence[Sequence[Value]], taken: set[str]) -> Loaded:
    width = max(at + 1 for row in rows for at, cell in enumerate(row) if cell != "")
    if width > MAX_COLUMNS:
        raise Refused("columns", n=width, limit=MAX_COLUMNS)
    named = all(isinstance(cell, str) for cell in rows[0][:width])
    columns = column_names([_text(cell) if named else "" for cell in (*rows[0], *[""] * width)][:width])
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows([_text(cell) for cell in row[:width]] for row in rows[named:])
    table = table_name(name, title, taken)
    load_csv(database, in_memory(written.getvalue().encode("utf-8", "replace")), table, columns, delimiter=",", skip=0)
    return Loaded(name=table, title=title, columns=tuple(columns), typed=False)


def _text(cell: Value) -> str:
    match cell:
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "seconds")
        case date() | time():
            return cell.isoformat()
        case _:
            return str(cell)
