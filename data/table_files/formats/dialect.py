"""Detect the delimiter and the header of a text with a table."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

SAMPLE = 256 * 1024
"""Characters that are examined."""
LINES = 400
_DELIMITERS = ",;\t|"
_SAYS = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
"""What spreadsheets write into the first line."""
_NUMBER = re.compile(r"[+-]?[\d.,' ]*\d[\d.,' ]*%?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    delimiter: str
    header: tuple[str, ...]
    """The names in the first row; empty if it has none."""
    width: int
    skip: int
    """Rows before the first row of values."""


def dialect_of(text: str, ending: str) -> Dialect | None:
    """Return how to read a text; None if it has no rows that belong together. ending: of the file's name."""
    sample = text[:SAMPLE]
    if len(text) > SAMPLE:
        sample = sample.rpartition("\n")[0] or sample
    said = _SAYS.match(sample)
    if said:
        return _dialect(_rows(sample[said.end() :], said[1]), said[1], before=1)
    order = "\t" + _DELIMITERS if ending in (".tsv", ".tab") else _DELIMITERS
    best = max(order, key=lambda each: _fit(_rows(sample, each)))
    rows = _rows(sample, best)
    return _dialect(rows, best, before=0) if _fit(rows) > (0.0, 0) else None


def _rows(sample: str, delimiter: str) -> list[list[str]]:
    found: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            found.append(row)
            if len(found) == LINES:
                break
    except csv.Error:
        pass
    return found


def _fit(rows: Sequence[Sequence[str]]) -> tuple[float, int]:
    """Return the share of rows with the most frequent number of fields, and that number."""
    counted = Counter(len(row) for row in rows if any(cell.strip() for cell in row))
    if not counted:
        return 0.0, 0
    width, often = max(counted.items(), key=lambda each: (each[1] * (each[0] > 1), each[0]))
    return (round(often / counted.total(), 1), width) if width > 1 else (0.0, 0)


def _dialect(rows: Sequence[Sequence[str]], delimiter: str, *, before: int) -> Dialect | None:
    """Find the header: the first row that is as wide as the others. Titles above it are skipped."""
    _, width = _fit(rows)
    if width < 1:
        width = max((len(row) for row in rows), default=0)
    if width > 1 and not any(len(row) >= width and row[width - 1].strip() for row in rows):
        width -= 1  # Each row ends with a delimiter.
    first = next((at for at, row in enumerate(rows) if len(row) >= width and any(cell.strip() for cell in row)), None)
    if first is None:
        return None
    top, others = list(rows[first]), [row for row in rows[first + 1 :] if any(cell.strip() for cell in row)]
    while len(top) > width and not top[-1].strip():
        top.pop()
    width = max(width, len(top))
    named = _is_header(top, others)
    header = tuple(top) if named else ()
    lines = before + sum(_lines(row) for row in rows[: first + named])
    return Dialect(delimiter=delimiter, header=header, width=width, skip=lines)


def _is_header(top: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Tell whether a first row has names: no numbers, and unlike the values below."""
    cells = [each.strip() for each in top]
    if any(_NUMBER.fullmatch(each) and not re.fullmatch(r"(19|20)\d\d", each) for each in cells if each):
        return False
    return bool(others) or len(set(cells)) == len(cells)


def _lines(row: Sequence[str]) -> int:
    """Return how many lines a row takes."""
    return 1 + sum(cell.replace("\r\n", "\n").count("\n") for cell in row)
