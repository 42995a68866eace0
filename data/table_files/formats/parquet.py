"""Load Parquet files."""

from __future__ import annotations

import duckdb

from data.table_files.database import quoted
from data.table_files.formats.loaded import Loaded, in_memory
from data.table_files.limits import MAX_COLUMNS, MAX_ROWS
from data.table_files.names import column_names, table_name
from data.table_files.refusal import Refused


def load_parquet(database: duckdb.DuckDBPyConnection, name: str, content: bytes, taken: set[str]) -> Loaded:
    """Load the table of a Parquet file. Nested values become text. Raises Refused."""
    path = in_memory(content)
    try:
        described = database.execute(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()
        counted = database.execute(f"SELECT count(*) FROM read_parquet('{path}')").fetchone()
    except duckdb.Error as problem:
        raise Refused("encrypted" if "encrypt" in str(problem).lower() else "damaged") from problem
    if len(described) > MAX_COLUMNS:
        raise Refused("columns", n=len(described), limit=MAX_COLUMNS)
    if counted is not None and counted[0] > MAX_ROWS:
        raise Refused("rows", limit=f"{MAX_ROWS:,}")
    columns = column_names([row[0] for row in described])
    table = table_name(name, "", taken)
    chosen = ", ".join(f"{_value(row[0], row[1])} AS {quoted(column)}" for row, column in zip(described, columns, strict=True))
    database.execute(f"CREATE TABLE {quoted(table)} AS SELECT {chosen} FROM read_parquet('{path}')")
    return Loaded(name=table, title="", columns=tuple(columns), typed=True)


def _value(name: str, kind: str) -> str:
    """Return a column, as text if it is nested or binary."""
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "BLOB", "BIT", "INTERVAL"))
    return f"CAST({quoted(name)} AS VARCHAR)" if nested else quoted(name)
