"""Define sheets: the figures and tables of a board. Names are those of the REST API and never change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from core.errors import NotFound
from core.usage.records import UsageQuery

Cell = str | int | float | date | None


class Board(StrEnum):
    OVERVIEW = "overview"
    ADOPTION = "adoption"
    QUALITY = "quality"
    SPEED = "speed"
    CAPACITY = "capacity"
    MONEY = "money"


class Unit(StrEnum):
    TEXT = "text"
    DAY = "day"
    """A date; of weeks it is the Monday."""
    COUNT = "count"
    SHARE = "share"
    """From 0 to 1."""
    SECONDS = "seconds"
    SPEED = "tokens_per_second"
    NUMBER = "number"
    AMOUNT = "amount"
    """In the currency of its row or figure."""


class Drawing(StrEnum):
    """How a table is drawn best."""

    NONE = "none"
    BARS = "bars"
    """Stacked, one bar per row; the first column is a date."""
    LINES = "lines"
    """The first column is a date."""
    ROWS = "rows"
    """A horizontal bar per row; the first column is a name."""
    HEAT = "heat"
    """Weekday by hour."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a board. drawn: the columns that its drawing shows."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    drawing: Drawing = Drawing.NONE
    drawn: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFigure:
    """A figure of the period and of the one before. currency: of an amount."""

    name: str
    unit: Unit
    now: float | None
    before: float | None = None
    currency: str = ""
    more_is_better: bool | None = None
    """None: neither is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    board: Board
    query: UsageQuery
    figures: Sequence[SheetFigure]
    tables: Sequence[Table]

    def table(self, name: str) -> Table:
        """Return a table by name. Raises NotFound."""
        for each in self.tables:
            if each.name == name:
                return each
        raise NotFound("The board {board} has no table {name}.", board=self.board.value, name=name[:40])


TABLES = {
    Board.OVERVIEW: ("answers_per_day", "rated_good", "active_people", "groups", "models"),
    Board.ADOPTION: ("people_per_day", "active_people", "groups"),
    Board.QUALITY: ("rated_good", "troubles_per_day", "models", "groups"),
    Board.SPEED: ("ttft_per_day", "queue_per_day", "latency_per_day", "speed_per_day", "models"),
    Board.CAPACITY: ("hours", "wait_per_week"),
    Board.MONEY: ("cost_per_day", "groups", "models", "budgets"),
}
"""The tables of each board, in order."""
