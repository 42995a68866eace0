"""Hold a table that was loaded into the database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from data.table_files.database import quoted
from data.table_files.limits import MAX_ROWS
from data.table_files.names import BEYOND
from data.table_files.refusal import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A table in the database, whose columns are named as people see them."""

    name: str
    title: str
    columns: tuple[str, ...]
    typed: bool
    """Whether the columns have types; otherwise all are text."""
    comma: bool = False
    """Whether fields are separated by something else than a comma, so that commas may mark decimals."""


def load_csv(
    database: duckdb.DuckDBPyConnection, path: str, name: str, columns: Sequence[str], *, delimiter: str, skip: int, quote: str = '"'
) -> None:
    """Load a UTF-8 text into a table of text columns. skip: lines before the first row. Raises Refused."""
    # One more column, because the database drops what stands beyond the last one.
    fields = ", ".join(f"{_literal(each)}: 'VARCHAR'" for each in (*columns, BEYOND))
    options = (
        f"auto_detect=false, header=false, skip={skip}, delim={_literal(delimiter)}, quote={_literal(quote)}, escape={_literal(quote)}, "
        f"columns={{{fields}}}, null_padding=true, parallel=false, strict_mode=false, max_line_size=16000000, buffer_size=64000000"
    )
    try:
        database.execute(f"CREATE TABLE {quoted(name)} AS SELECT * FROM read_csv({_literal(path)}, {options}) LIMIT {MAX_ROWS + 1}")
    except duckdb.InvalidInputException as problem:
        raise Refused("damaged") from problem
    if _number(database, f"SELECT count(*) FROM {quoted(name)}") > MAX_ROWS:
        raise Refused("rows", limit=f"{MAX_ROWS:,}")
    longer = f"SELECT coalesce(min(rowid), -1) FROM {quoted(name)} WHERE coalesce(trim({quoted(BEYOND)}), '') <> ''"
    if (row := _number(database, longer)) >= 0:
        raise Refused("row", row=row + 1, columns=len(columns))
    database.execute(f"ALTER TABLE {quoted(name)} DROP COLUMN {quoted(BEYOND)}")


def in_memory(content: bytes) -> str:
    """Return the path of a file that only exists in memory and ends with the process."""
    descriptor = os.memfd_create("table")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    return f"/proc/self/fd/{descriptor}"


def _number(database: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = database.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
