"""Find the numbers of an answer that no cell of its rows holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from core.knowledge.tables.records import Cell, QueryResult

_NUMBER = re.compile(r"(?<![\w.,])[-−+]?\d+(?:[.,'\u00a0\u202f]\d+)*(?![\w]|[.,]\d)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`|\[[^\]\n]*\]\([^)\n]*\)", re.DOTALL)
_MARKER = re.compile(r"^\s*(?:#+\s*)?\d+[.)]\s", re.MULTILINE)
"""Numbers of lists."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?")
MOST = 20


def unfounded(text: str, results: Iterable[QueryResult]) -> tuple[str, ...]:
    """Return the numbers and dates in a text that are no cell's value, however it is rounded, and not the number of rows.

    results: what the queries of the answer returned. Signs count little: "3.80 below" may stand for -3.8.
    """
    found = list(results)
    values = {abs(value) for result in found for row in result.rows for cell in row for value in _values(cell)}
    values |= {float(len(result.rows)) for result in found}
    dates = {cell[:10] for result in found for row in result.rows for cell in row if isinstance(cell, str) and _DATE.match(cell)}
    prose = _MARKER.sub(" ", _CODE.sub(" ", text))
    missing = [each[0] for each in _DATE.finditer(prose) if each[0][:10] not in dates]
    missing += [each[0] for each in _NUMBER.finditer(_DATE.sub(" ", prose)) if not any(_holds(each[0], value) for value in values)]
    return tuple(dict.fromkeys(missing))[:MOST]


def _values(cell: Cell) -> Iterator[float]:
    """Return the numbers of a cell; those in a text count too."""
    if isinstance(cell, bool) or cell is None:
        return
    if isinstance(cell, int | float):
        yield float(cell)
        return
    for each in _NUMBER.finditer(cell):
        yield from (value for value, _digits in _readings(each[0]))


def _holds(written: str, value: float) -> bool:
    """Tell whether a number is this value, rounded as it is written."""
    return any(abs(number - value) <= 0.5 * 10**-digits + 1e-9 * value for number, digits in _readings(written))


def _readings(written: str) -> Iterator[tuple[float, int]]:
    """Return what a number can mean, with its decimals: "1,204" is one thousand and something, or one and a fraction."""
    bare = re.sub(r"['\u00a0\u202f]", "", written).lstrip("+-−")
    for point, group in ((".", ","), (",", ".")):
        whole, _, part = bare.rpartition(point) if bare.count(point) == 1 else (bare, "", "")
        if point in whole or group in part:
            continue
        digits = whole.replace(group, "")
        if digits.isdigit() and (group not in whole or re.fullmatch(rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+", whole)):
            yield float(f"{digits}.{part or 0}"), len(part)
