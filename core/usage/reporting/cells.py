"""Write the values of cells and figures for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from core.usage.money.records import EVERY_GROUP
from core.usage.records import Language
from core.usage.reporting.wording import say
from core.usage.sheets.records import Cell, SheetFigure, Table, Unit

MISSING = "–"


def written(value: Cell, unit: Unit) -> str:
    """Return a value with its unit: 12,345, 87.4 %, 1.3 s."""
    if value is None:
        return MISSING
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return value
    match unit:
        case Unit.SHARE:
            return f"{value * 100:.1f} %"
        case Unit.SECONDS:
            return f"{value:.2f} s" if value < 9.995 else f"{value:,.1f} s"
        case Unit.SPEED:
            return f"{value:.1f}"
        case Unit.AMOUNT:
            return f"{value:,.2f}" if value >= 1 or value == 0 else f"{value:.2g}"
        case Unit.NUMBER:
            return f"{value:,.1f}"
        case _:
            return f"{value:,.0f}"


def number(cell: Cell) -> float | None:
    return float(cell) if isinstance(cell, (int, float)) else None


def row_words(language: Language, table: Table, row: Sequence[Cell]) -> list[str]:
    """Return the cells of a row as text."""
    rest = zip(row[1:], table.columns[1:], strict=True)
    return [_name_words(language, table.columns[0].name, row[0]), *(written(cell, column.unit) for cell, column in rest)]


def _name_words(language: Language, column: str, value: Cell) -> str:
    """Return the first cell of a row: the name of a group or model, or a day."""
    if column == "group" and value == "":
        return say(language, "No group")
    if column == "group" and value == EVERY_GROUP:
        return say(language, "all groups")
    return value.isoformat() if isinstance(value, date) else str(value)


def figure_words(figure: SheetFigure) -> tuple[str, str]:
    """Return a figure and that of the period before; "" without one."""
    currency = f" {figure.currency}" if figure.currency else ""
    before = "" if figure.before is None else written(figure.before, figure.unit) + currency
    return written(figure.now, figure.unit) + (currency if figure.now is not None else ""), before
