"""Write the rows of a query as CSV."""

from __future__ import annotations

from core.knowledge.tables.records import QueryResult
from core.usage.csv_file import to_csv


def as_csv(result: QueryResult) -> bytes:
    """Return rows as CSV for spreadsheets. Text that they would run as a formula gets an apostrophe."""
    return to_csv([each.name for each in result.columns], result.rows)
