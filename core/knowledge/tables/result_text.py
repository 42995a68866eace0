"""Write the rows of a query as text, which a model reads and the answer keeps, and read them again."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from core.knowledge.tables.records import Cell, ColumnKind, QueryResult, ResultColumn

MAX_LENGTH = 12_000
_COUNT = re.compile(r"\((?:\d+ rows?|The first \d+ rows; there are more)\.?\)\s*\Z")
_INTEGER, _NUMBER = re.compile(r"-?(?:0|[1-9]\d*)"), re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?")
_DATE, _TIME = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(?:\.\d+)?")


def written(result: QueryResult) -> str:
    """Return the rows as CSV, as many as fit, and how many there are."""
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow([each.name for each in result.columns])
    shown = 0
    for row in result.rows:
        before = out.tell()
        lines.writerow(["" if cell is None else cell for cell in row])
        if out.tell() > MAX_LENGTH and shown:
            out.truncate(before)
            break
        shown += 1
    whole = shown == len(result.rows) and not result.more
    count = f"({shown} {'row' if shown == 1 else 'rows'})" if whole else f"(The first {shown} rows; there are more.)"
    return out.getvalue()[: 2 * MAX_LENGTH] + count


def read(text: str, *, was_cut: bool, seconds: float) -> QueryResult | None:
    """Return the rows of a text that `written` wrote; None if it has none. was_cut: whether its end is missing."""
    body = _COUNT.sub("", text)
    try:
        rows = list(csv.reader(io.StringIO(body, newline="")))
    except csv.Error:
        return None
    if not rows:
        return None
    head, rest = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    if was_cut and rest:
        rest = rest[:-1]
    kinds = [_kind([row[at] for row in rest]) for at in range(len(head))]
    return QueryResult(
        columns=tuple(ResultColumn(name=name, kind=kind) for name, kind in zip(head, kinds, strict=True)),
        rows=tuple(tuple(_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)) for row in rest),
        more=was_cut or "there are more" in text[len(body) :], seconds=seconds,
    )  # fmt: skip


def _kind(cells: Sequence[str]) -> ColumnKind:
    filled = [each for each in cells if each]
    forms = ((_INTEGER, ColumnKind.INTEGER), (_NUMBER, ColumnKind.NUMBER), (_DATE, ColumnKind.DATE), (_TIME, ColumnKind.TIME))
    return next((kind for form, kind in forms if filled and all(map(form.fullmatch, filled))), ColumnKind.TEXT)


def _cell(text: str, kind: ColumnKind) -> Cell:
    if not text:
        return None
    return int(text) if kind is ColumnKind.INTEGER else float(text) if kind is ColumnKind.NUMBER else text
