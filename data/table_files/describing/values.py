"""Turn values of the database into cells."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time
from decimal import Decimal

from core.characters import cut
from core.knowledge.tables.records import Cell, ColumnKind
from data.table_files.limits import MAX_CELL_LENGTH

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "BIGNUM")
_EXACT = 1 << 53
"""Integers beyond this are sent as text: browsers round them."""


def kind_of(type_: str) -> ColumnKind:
    """Return the kind of a column by its type in the database."""
    if type_ in _INTEGERS:
        return ColumnKind.INTEGER
    if type_ in ("FLOAT", "DOUBLE") or type_.startswith("DECIMAL"):
        return ColumnKind.NUMBER
    if type_ == "DATE":
        return ColumnKind.DATE
    if type_.startswith("TIME"):
        return ColumnKind.TIME
    return ColumnKind.BOOLEAN if type_ == "BOOLEAN" else ColumnKind.TEXT


def cell_of(value: object) -> Cell:
    """Return a value as JSON can hold it. Numbers have 15 digits, so that sums of decimals show no rounding errors."""
    match value:
        case None | bool():
            return value
        case int():
            return value if abs(value) <= _EXACT else str(value)
        case Decimal():
            return _number(float(value))
        case float():
            return _number(value)
        case datetime():
            return value.isoformat(" ")
        case date() | time():
            return value.isoformat()
        case bytes():
            return cut(value.hex(), MAX_CELL_LENGTH)
        case list() | dict() | tuple():
            return cut(json.dumps(value, ensure_ascii=False, default=str), MAX_CELL_LENGTH)
        case _:
            return cut(str(value), MAX_CELL_LENGTH)


def _number(value: float) -> Cell:
    if not math.isfinite(value):
        return str(value)
    return float(f"{value:.15g}")
