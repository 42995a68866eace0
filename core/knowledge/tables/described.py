"""Describe tables for a model that writes SQL."""

from __future__ import annotations

from collections.abc import Iterable

from core.characters import cut
from core.knowledge.records import StoredFile
from core.knowledge.tables.records import Column, Table

MAX_LENGTH = 6_000
"""Characters of the description of all tables of a chat."""
WHOLE_LENGTH = 2_000
"""Characters of a table that a model reads whole, beside being able to query it."""


def sql_name(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def described(files: Iterable[StoredFile]) -> str:
    """Return the tables of these files: names, columns, types, ranges and examples."""
    return cut("\n".join(f"File {file.name}:\n" + "\n".join(map(_table, file.tables)) for file in files), MAX_LENGTH)


def instead_of_rows(file: StoredFile) -> str:
    """Return what a model reads instead of a table's rows."""
    return f"(This file is not read here. Its tables can be queried with SQL.)\n{described([file])}"


def _table(table: Table) -> str:
    lines = [f"Table {sql_name(table.name)}, {table.rows} rows, columns:", *(f"- {_column(each)}" for each in table.columns)]
    return "\n".join(lines)


def _column(column: Column) -> str:
    ranged = f" from {column.smallest} to {column.largest}" if column.smallest else ""
    examples = f", for example {', '.join(column.examples)}" if column.examples and not ranged else ""
    missing = f", {column.missing} missing" if column.missing else ""
    return f"{sql_name(column.name)} {column.kind.value}{ranged}{examples}{missing}"
