"""Write the rows of a query as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from core.knowledge.tables.records import QueryResult
from core.usage.csv_cells import BOM, safe_cell


def as_csv(result: QueryResult) -> bytes:
    """Return rows as CSV for spreadsheets. Text that they would run as a formula gets an apostrophe."""
    names = [str(safe_cell(each.name)) for each in result.columns]
    return (BOM + written_csv(names, (tuple(map(safe_cell, row)) for row in result.rows))).encode("utf-8", "replace")


def written_csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO(newline="")
    lines = csv.writer(out)
    lines.writerow(names)
    lines.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return out.getvalue()
