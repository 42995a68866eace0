"""Convert rows to a table that SQL can query, and boxes to rows."""

from __future__ import annotations

from collections.abc import Sequence

from core.grounding.records import Box
from core.knowledge.tables.records import Cell, ColumnKind, QueryResult, ResultColumn
from core.usage.csv_file import raw_csv

_BOX_COLUMNS = (
    ("phrase", ColumnKind.TEXT), ("label", ColumnKind.TEXT), ("left", ColumnKind.NUMBER), ("top", ColumnKind.NUMBER),
    ("right", ColumnKind.NUMBER), ("bottom", ColumnKind.NUMBER), ("confidence", ColumnKind.NUMBER),
)  # fmt: skip


def table_name(step_id: str) -> str:
    """Return the name of a step's rows in SQL."""
    return step_id


def as_table(rows: QueryResult) -> bytes:
    """Return rows as the content of a CSV file to query. A single column gets row numbers beside it: a table has two or more."""
    numbered = len(rows.columns) == 1
    names = [each.name for each in rows.columns] + (["row"] if numbered else [])
    lines = ((*row, number) if numbered else row for number, row in enumerate(rows.rows, 1))
    return raw_csv(names, lines).encode("utf-8", "replace")


def boxes_as_rows(boxes: Sequence[Box], phrases: Sequence[str]) -> QueryResult:
    """Return boxes as rows, so that they can be queried and written about."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (phrases[each.phrase], each.label, *(round(edge, 1) for edge in each.edges), each.confidence) for each in boxes
    )
    return QueryResult(columns=tuple(ResultColumn(name=name, kind=kind) for name, kind in _BOX_COLUMNS), rows=rows, more=False, seconds=0.0)
