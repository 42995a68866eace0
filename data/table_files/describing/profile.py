"""Describe the tables of a database: columns, types, missing values, range and examples."""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from core.characters import cut, one_line
from core.knowledge.tables.records import Column, ColumnKind, Table
from data.table_files.database import quoted
from data.table_files.describing.values import cell_of, kind_of
from data.table_files.formats.loaded import Loaded

EXAMPLES, EXAMPLE_LENGTH, RANGE_LENGTH = 3, 40, 30


def described(database: duckdb.DuckDBPyConnection, table: Loaded, day_first: Collection[str]) -> Table:
    """Return what a table holds. day_first: columns whose dates were read day first."""
    kinds = [kind_of(row[1]) for row in database.execute(f"DESCRIBE {quoted(table.name)}").fetchall()]
    figures = ["count(*)"]
    for name, kind in zip(table.columns, kinds, strict=True):
        column = quoted(name)
        ranged = kind not in (ColumnKind.TEXT, ColumnKind.BOOLEAN)
        figures += [f"count({column})", f"approx_count_distinct({column})"]
        figures += [f"min({column})", f"max({column})"] if ranged else ["NULL", "NULL"]
    found = database.execute(f"SELECT {', '.join(figures)} FROM {quoted(table.name)}").fetchone()
    assert found is not None
    rows = int(found[0])
    columns = tuple(
        Column(
            name=name, kind=kind, missing=rows - found[1 + 4 * at], distinct=int(found[2 + 4 * at]), smallest=_short(found[3 + 4 * at]),
            largest=_short(found[4 + 4 * at]), examples=_examples(database, table.name, name), day_first=name in day_first,
        )
        for at, (name, kind) in enumerate(zip(table.columns, kinds, strict=True))
    )  # fmt: skip
    return Table(name=table.name, title=table.title, rows=rows, columns=columns)


def _examples(database: duckdb.DuckDBPyConnection, table: str, name: str) -> tuple[str, ...]:
    column = quoted(name)
    first = f"SELECT {column} AS v FROM {quoted(table)} WHERE {column} IS NOT NULL LIMIT 200"
    found = database.execute(f"SELECT DISTINCT v FROM ({first}) ORDER BY v LIMIT {EXAMPLES}").fetchall()
    return tuple(_short(row[0], EXAMPLE_LENGTH) for row in found)


def _short(value: object, most: int = RANGE_LENGTH) -> str:
    cell = cell_of(value)
    return "" if cell is None else cut(one_line(str(cell)), most)
