"""Choose a chart for the rows of a query, by their shape."""

from __future__ import annotations

from dataclasses import dataclass

from core.knowledge.tables.records import Cell, ChartKind, ColumnKind, QueryResult

MAX_BARS, MAX_SERIES = 60, 6
_NUMBERS = (ColumnKind.INTEGER, ColumnKind.NUMBER)
_MOMENTS = (ColumnKind.DATE, ColumnKind.TIME)
_IN_ORDER = frozenset({"year", "month", "week", "day", "hour", "quarter", "年", "月", "周", "日"})
"""Names of columns of numbers that are moments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Columns to draw, by their index. suited: the kinds that can be drawn, the best one first."""

    suited: tuple[ChartKind, ...]
    x: int
    ys: tuple[int, ...]


def chart_of(result: QueryResult) -> Chart | None:
    """Return how to draw rows; None if a chart would say nothing."""
    if len(result.rows) < 2:
        return None
    kinds = [each.kind for each in result.columns]
    numbers = [at for at, kind in enumerate(kinds) if kind in _NUMBERS]
    moment = next((at for at, kind in enumerate(kinds) if kind in _MOMENTS), None)
    if moment is None:
        moment = next((at for at in numbers if result.columns[at].name.casefold() in _IN_ORDER and len(numbers) > 1), None)
    if moment is not None:
        return _chart((ChartKind.LINE, ChartKind.BAR, ChartKind.SCATTER), moment, [at for at in numbers if at != moment])
    label = next((at for at, kind in enumerate(kinds) if kind in (ColumnKind.TEXT, ColumnKind.BOOLEAN)), None)
    if label is not None and len({row[label] for row in result.rows}) == len(result.rows) <= MAX_BARS:
        return _chart((ChartKind.BAR, ChartKind.LINE), label, numbers)
    if len(numbers) >= 2:
        return _chart((ChartKind.SCATTER, ChartKind.LINE, ChartKind.BAR), numbers[0], numbers[1:])
    return None


def drawn_rows(result: QueryResult, chart: Chart, kind: ChartKind) -> list[tuple[Cell, ...]]:
    """Return the rows in the order of drawing: lines run from left to right."""
    rows = [row for row in result.rows if row[chart.x] is not None]
    return sorted(rows, key=lambda row: (str(type(row[chart.x])), row[chart.x])) if kind is ChartKind.LINE else rows


def _chart(suited: tuple[ChartKind, ...], x: int, ys: list[int]) -> Chart | None:
    return Chart(suited=suited, x=x, ys=tuple(ys[:MAX_SERIES])) if ys else None
