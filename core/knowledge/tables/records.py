"""Define the tables of a file, their columns, and the rows that a query returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Cell = str | int | float | bool | None
TABLE_ENDINGS = (".csv", ".tsv", ".tab", ".psv")
"""Ends of the names of texts that may have a table."""


class ColumnKind(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    """A date with a time of day, or a time of day alone."""
    BOOLEAN = "boolean"


class ChartKind(StrEnum):
    BAR = "bar"
    LINE = "line"
    SCATTER = "scatter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table. smallest, largest and examples are shown to people and models."""

    name: str
    kind: ColumnKind
    missing: int
    """How many rows have no value here."""
    distinct: int
    """How many different values there are, counted approximately."""
    smallest: str = ""
    """Empty for text, and if every value is missing."""
    largest: str = ""
    examples: tuple[str, ...] = ()
    day_first: bool = False
    """Whether the dates were read as day, month, year, though month, day, year fits too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a file: the file itself, or one sheet of a workbook."""

    name: str
    """Its name in SQL."""
    title: str
    """The name of its sheet; empty if the file is the table."""
    rows: int
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTables:
    """What was read from a file."""

    tables: tuple[Table, ...]
    text: str
    """The beginning of its rows as CSV, for models that read files as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultColumn:
    name: str
    kind: ColumnKind


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """The rows that a query returned."""

    columns: tuple[ResultColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: bool
    """Whether there are more rows than were read."""
    seconds: float
    """How long the query took, without reading the file."""
