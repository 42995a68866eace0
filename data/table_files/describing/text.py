"""Write the first rows of tables as text, for models that read files as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import duckdb

from core.knowledge.tables.records import Table
from data.table_files.database import quoted
from data.table_files.describing.values import cell_of
from data.table_files.limits import MAX_TEXT_LENGTH


def text_of_tables(database: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> str:
    """Return the rows of each table as CSV. One that is too long is cut, and says so."""
    most = MAX_TEXT_LENGTH // max(1, len(tables))
    return "\n\n".join(_text(database, table, most) for table in tables)


def _text(database: duckdb.DuckDBPyConnection, table: Table, most: int) -> str:
    found = database.execute(f"SELECT * FROM {quoted(table.name)}")
    written = io.StringIO(newline="")
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow([column.name for column in table.columns])
    shown = 0
    while written.tell() < most and (row := found.fetchone()) is not None:
        lines.writerow(["" if (cell := cell_of(each)) is None else cell for each in row])
        shown += 1
    head = f"[sheet: {table.title}]\n" if table.title else ""
    rest = "" if shown == table.rows else f"(The first {shown:,} of {table.rows:,} rows.)\n"
    return f"{head}{written.getvalue()}{rest}"
