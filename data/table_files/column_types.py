"""Decide the types of columns that were loaded as text, and convert them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from data.table_files.database import quoted
from data.table_files.formats.loaded import Loaded

SAMPLE_ROWS = 5_000
_MISSING = "('', '-', '--', 'na', 'n/a', 'nan', '#n/a', 'null', 'none')"
"""What stands for a missing value in a column of numbers or dates, in lower case."""
_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y",
)  # fmt: skip
_TIMES = (" %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M", " %H:%M:%S.%f", "T%H:%M:%S.%f", "T%H:%M:%SZ")
_SWAPPED = {"%d/%m/%Y": "%m/%d/%Y", "%d/%m/%y": "%m/%d/%y"}


@dataclass(frozen=True, slots=True)
class Conversion:
    """How to read the values of a column."""

    sql: str
    """An expression of the value `v`, a text without blanks around it; null if it cannot be read so."""
    like: str
    """A regular expression that values of this kind match."""
    day_first: bool = False


def _plain(value: str, kind: str) -> str:
    return f"TRY_CAST({value} AS {kind})"


_POINTS = "replace(v, ',', '')"
_COMMAS = "replace(replace(v, '.', ''), ',', '.')"
_NUMBERS = (
    Conversion(_plain("v", "BIGINT"), r"[+-]?(0|[1-9]\d{0,17})"),
    Conversion(_plain("v", "DOUBLE"), r"[+-]?(0|[1-9]\d*)?(\.\d+)?([eE][+-]?\d{1,3})?"),
)
_WITH_POINT = (
    Conversion(_plain(_POINTS, "BIGINT"), r"[+-]?[1-9]\d{0,2}(,\d{3})*"),
    Conversion(_plain(_POINTS, "DOUBLE"), r"[+-]?(0|[1-9]\d*|[1-9]\d{0,2}(,\d{3})+)(\.\d+)?"),
)
_WITH_COMMA = (
    Conversion(_plain(_COMMAS, "BIGINT"), r"[+-]?[1-9]\d{0,2}(\.\d{3})*"),
    Conversion(_plain(_COMMAS, "DOUBLE"), r"[+-]?(0|[1-9]\d*|[1-9]\d{0,2}(\.\d{3})+)(,\d+)?"),
)
_BOOLEAN = Conversion(_plain("v", "BOOLEAN"), r"(?i)(true|false)")
_TIME = Conversion(_plain("v", "TIME"), r"\d{1,2}:\d\d(:\d\d(\.\d+)?)?")


def _date(format_: str) -> Conversion:
    return Conversion(f"TRY_CAST(try_strptime(v, '{format_}') AS DATE)", _date_like(format_), format_ in _SWAPPED)


def _date_like(format_: str) -> str:
    like = format_.replace(".", r"\.").replace("%Y", r"\d{4}").replace("%y", r"\d{2}")
    return like.replace("%m", r"\d{1,2}").replace("%d", r"\d{1,2}")


def _time(format_: str, clock: str) -> Conversion:
    like = clock.replace(".", r"\.").replace("%H", r"\d{1,2}").replace("%M", r"\d\d").replace("%S", r"\d\d").replace("%f", r"\d+")
    return Conversion(f"try_strptime(v, '{format_}{clock}')", _date_like(format_) + like, format_ in _SWAPPED)


def give_types(database: duckdb.DuckDBPyConnection, table: Loaded) -> frozenset[str]:
    """Convert the columns in the database. Returns the names of those whose dates could be read in two ways and were read day first."""
    if table.typed:
        return frozenset()
    chosen = {name: _conversion(database, table, name) for name in table.columns}
    values = ", ".join(f"{_converted(name, conversion)} AS {quoted(name)}" for name, conversion in chosen.items())
    before = quoted(table.name + " as text")
    database.execute(f"ALTER TABLE {quoted(table.name)} RENAME TO {before}")
    database.execute(f"CREATE TABLE {quoted(table.name)} AS SELECT {values} FROM {before} AS source")
    database.execute(f"DROP TABLE {before}")
    return frozenset(name for name, conversion in chosen.items() if conversion is not None and conversion.day_first)


def _conversion(database: duckdb.DuckDBPyConnection, table: Loaded, name: str) -> Conversion | None:
    """Return how to read a column; None for text. A sample suggests it, and every value must agree."""
    sample = database.execute(
        f"SELECT {_bare(name)} AS v FROM {quoted(table.name)} AS source WHERE lower({_bare(name)}) NOT IN {_MISSING} LIMIT {SAMPLE_ROWS}"
    ).fetchall()
    seen = list(dict.fromkeys(row[0] for row in sample))
    if not seen:
        return None
    for conversion in _candidates(seen, comma=table.comma):
        if _fits(database, seen, conversion) and _all_fit(database, table, name, conversion):
            return conversion
    return None


def _candidates(seen: Sequence[str], *, comma: bool) -> Sequence[Conversion]:
    """Return the kinds to try, in this order. Of decimal point and comma, the delimiter says which comes first."""
    first = seen[0]
    if not any(letter.isdigit() for letter in first):
        return (_BOOLEAN,)
    numbers = (*_NUMBERS, *_WITH_COMMA, *_WITH_POINT) if comma else (*_NUMBERS, *_WITH_POINT, *_WITH_COMMA)
    dates = [_date(each) for each in _DATES]
    times = [_time(each, clock) for each in _DATES for clock in _TIMES]
    return (*numbers, *dates, *times, _TIME)


def _fits(database: duckdb.DuckDBPyConnection, seen: Sequence[str], conversion: Conversion) -> bool:
    """Tell whether each value of a sample has this form and can be read so."""
    if not all(re.fullmatch(conversion.like, value) for value in seen):
        return False
    sql = f"SELECT bool_and(({conversion.sql}) IS NOT NULL) FROM (SELECT unnest($seen) AS v)"
    row = database.execute(sql, {"seen": list(seen)}).fetchone()
    return bool(row and row[0])


def _all_fit(database: duckdb.DuckDBPyConnection, table: Loaded, name: str, conversion: Conversion) -> bool:
    sql = (
        f"SELECT count(*) FROM (SELECT {_bare(name)} AS v FROM {quoted(table.name)} AS source) "
        f"WHERE lower(v) NOT IN {_MISSING} AND NOT coalesce(regexp_full_match(v, $like) AND ({conversion.sql}) IS NOT NULL, false)"
    )
    row = database.execute(sql, {"like": conversion.like}).fetchone()
    return bool(row and row[0] == 0)


def _bare(name: str) -> str:
    """Return a value without blanks. It is named with its table, because a file may have a column called `v` too."""
    return f"trim(source.{quoted(name)}, ' \t\u00a0')"


def _converted(name: str, conversion: Conversion | None) -> str:
    if conversion is None:
        return f"nullif(source.{quoted(name)}, '')"
    return f"(SELECT {conversion.sql} FROM (SELECT {_bare(name)} AS v))"
