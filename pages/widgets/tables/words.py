"""Say how large a table is, and what its columns are."""

from __future__ import annotations

from core.knowledge.records import StoredFile
from core.knowledge.tables.records import ColumnKind, Table
from pages.shell.words import t
from pages.widgets.chat.answers.answer_figures import short_seconds

KINDS = {
    ColumnKind.TEXT: "text",
    ColumnKind.INTEGER: "integer",
    ColumnKind.NUMBER: "number",
    ColumnKind.DATE: "date",
    ColumnKind.TIME: "time",
    ColumnKind.BOOLEAN: "yes or no",
}


def size_of(table: Table) -> str:
    """Return "1,204 rows, 9 columns"."""
    return t("{rows}, {columns}", rows=t("{n} rows", n=table.rows), columns=t("{n} columns", n=len(table.columns)))


def size_of_file(file: StoredFile) -> str:
    """Return the size of a file's table, or how many it has."""
    return size_of(file.tables[0]) if len(file.tables) == 1 else t("{n} tables", n=len(file.tables))


def query_words(rows: int, seconds: float) -> str:
    """Return "Query, 5 rows in 0.1 s"."""
    return t("Query, {rows} in {seconds} s", rows=t("{n} rows", n=rows), seconds=short_seconds(seconds))
