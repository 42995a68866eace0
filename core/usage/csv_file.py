"""Write CSV that a spreadsheet opens as text and numbers, never as formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import Enum

from core.usage.csv_cells import BOM, may_be_formula

DIGITS = 12
"""Significant digits of a number; further ones show only how computers store it."""


def to_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return CSV in UTF-8 with BOM and CRLF line ends, one line per row. None becomes an empty cell, times become ISO 8601."""
    return (BOM + raw_csv(list(map(cell, header)), (list(map(cell, row)) for row in rows))).encode("utf-8", "replace")


def raw_csv(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Return CSV for programs: values as they are, None as an empty cell."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return out.getvalue()


def cell(value: object) -> str | int | float:
    """Return the cell for `value`: numbers stay numbers, text that a spreadsheet would run as a formula gets a leading apostrophe."""
    if value is None:
        return ""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, int):
        return value
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value).replace("\0", "")
    return f"'{text}" if may_be_formula(text) else text
