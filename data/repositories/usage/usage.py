"""Compute usage in SQL: one statement aggregates each model and group of a day.

People, chats and quantiles of several such cells cannot be derived from those of each. So every cell includes the people, their chats and
the measured values, packed into one column each: a few rows a day instead of one per answer.

Generation rows are only ever added, so the cells of a day stay valid as long as it has the same number of rows (usage_days.py caches them).
Ratings come and go, and are counted each time.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Date, Dialect, and_, cast, func, literal, literal_column, select
from sqlalchemy.types import UserDefinedType

from core.inference.records import ANSWERLESS, FinishReason
from core.usage.totals import Totals
from data.tables import FeedbackTable, GenerationTable
from data.transaction import AnySelect, Transaction

Numbers = NDArray[np.float64]
Hashes = NDArray[np.int64]
Ratings = Mapping[tuple[date, str, str], tuple[int, int]]
"""The numbers of rated answers and of good ratings, by day, model and group."""

_T = GenerationTable.__table__.c
_FEEDBACK = FeedbackTable.__table__.c
_MEASURED = {
    "latency": _T.duration_s,
    "ttft": _T.ttft_s,
    "speed": _T.tokens_per_second,
    "queue": _T.queue_s,
    "gaps": _T.inter_token_p95_s,
}


class Packed(UserDefinedType[Numbers]):
    """All values of a group: from SQLite as JSON, which keeps 15 digits, from PostgreSQL as big-endian doubles."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Numbers]:
        if dialect.name == "sqlite":
            return lambda value: np.array(json.loads(value), np.float64)
        return lambda value: np.frombuffer(value or b"", ">f8").astype(np.float64)


class Hashed(UserDefinedType[Hashes]):
    """All ids of a group, 8 bytes each instead of 90. Among a million ids, two collide with a chance of one in thirty million."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Hashes]:
        if dialect.name == "sqlite":
            return lambda value: np.fromiter(map(hash, json.loads(value)), np.int64)
        return lambda value: np.fromiter(map(hash, value or ()), np.int64)


@dataclass(frozen=True, slots=True)
class Cell:
    """Aggregate of the generation rows of a day, model and group. rows: the number of rows, including those that are not answers."""

    day: date
    model: str
    group: str
    rows: int
    answers: int
    errors: int
    prompt_tokens: int
    completion_tokens: int
    people: Hashes
    chats: Hashes
    latency: Numbers
    ttft: Numbers
    speed: Numbers
    queue: Numbers
    gaps: Numbers


def read_cells(sql: Transaction, day: date) -> tuple[Cell, ...]:
    """Return a cell for each model and group of this day."""
    return tuple(Cell(**row._mapping) for row in sql.all(_cells(day, sqlite=sql.is_sqlite)))


def read_rows_per_day(sql: Transaction, first: date, last: date) -> Mapping[date, int]:
    """Count the rows of each day; both days are inclusive, days without rows are missing."""
    day = day_of(sqlite=sql.is_sqlite)
    found = sql.all(select(day.label("day"), func.count().label("rows")).where(*created_in(first, last)).group_by(day))
    return {row.day: row.rows for row in found}


def read_ratings(sql: Transaction, first: date, last: date) -> Ratings:
    """Count ratings by the day of the answer, not of the rating."""
    day = day_of(sqlite=sql.is_sqlite)
    rated, good = func.count().label("rated"), func.count().filter(_FEEDBACK.rating == 1).label("good")
    own = and_(_FEEDBACK.message_id == _T.message_id, _FEEDBACK.user_id == _T.user_id)
    statement = select(day.label("day"), _T.model, _T.group_name, rated, good).join(FeedbackTable, own).where(*created_in(first, last))
    found = sql.all(statement.group_by(day, _T.model, _T.group_name))
    return {(row.day, row.model, row.group_name): (row.rated, row.good) for row in found}


def created_in(first: date, last: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions for rows from the first day's midnight (UTC) to the one after the last day."""
    return _T.created_at >= _midnight(first), _T.created_at < _midnight(last + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def day_of(*, sqlite: bool) -> ColumnElement[date]:
    """Return the expression for the day (UTC) of a row."""
    if sqlite:  # Numbers as text, not as parameters: the same expression must appear in GROUP BY.
        return func.substr(_T.created_at, literal_column("1"), literal_column("10"), type_=Date)
    return cast(func.timezone(literal_column("'UTC'"), _T.created_at), Date)


def _cells(day: date, *, sqlite: bool) -> AnySelect:
    """Select the columns of Cell."""
    made, failed = _T.source.not_in(sorted(ANSWERLESS)), _T.finish_reason == FinishReason.ERROR

    def ids(column: ColumnElement[Any]) -> ColumnElement[Any]:
        gather = func.json_group_array if sqlite else func.json_agg
        return gather(column.distinct(), type_=Hashed).filter(column.is_not(None))

    def values(column: ColumnElement[Any]) -> ColumnElement[Any]:
        if sqlite:
            packed = func.json_group_array(column, type_=Packed)
        else:
            packed = func.string_agg(func.float8send(column), literal_column("''::bytea"), type_=Packed)
        return packed.filter(made, ~failed, column.is_not(None))

    statement = select(
        literal(day, Date).label("day"),
        _T.model,
        _T.group_name.label("group"),
        func.count().label("rows"),
        func.count().filter(made).label("answers"),
        func.count().filter(made, failed).label("errors"),
        func.sum(_T.prompt_tokens).label("prompt_tokens"),
        func.sum(_T.completion_tokens).label("completion_tokens"),
        ids(_T.user_id).label("people"),
        ids(_T.conversation_id).label("chats"),
        *(values(column).label(name) for name, column in _MEASURED.items()),
    )
    return statement.where(*created_in(day, day)).group_by(_T.model, _T.group_name)


class SqlCountedAnswers:
    """Implements core.usage.totals.CountedAnswers over cells."""

    def __init__(self, cells: Sequence[Cell], ratings: Ratings) -> None:
        self._cells = cells
        self._ratings = ratings

    def total(self) -> Totals:
        return self._totals(self._cells)

    def by_day(self) -> Mapping[date, Totals]:
        return self._by("day")

    def by_model(self) -> Mapping[str, Totals]:
        return self._by("model")

    def by_group(self) -> Mapping[str, Totals]:
        return self._by("group")

    def _by(self, name: str) -> dict[Any, Totals]:
        parts: dict[Any, list[Cell]] = defaultdict(list)
        for cell in self._cells:
            parts[getattr(cell, name)].append(cell)
        return {key: self._totals(cells) for key, cells in parts.items()}

    def _totals(self, cells: Sequence[Cell]) -> Totals:
        ratings = [self._ratings.get((cell.day, cell.model, cell.group), (0, 0)) for cell in cells]
        return _totals(cells, sum(rated for rated, _ in ratings), sum(good for _, good in ratings))


def _totals(cells: Sequence[Cell], rated: int, rated_good: int) -> Totals:
    def added(name: str) -> int:
        return sum(map(attrgetter(name), cells))

    def different(name: str) -> int:
        return int(np.unique(np.concatenate([np.empty(0, np.int64), *(getattr(cell, name) for cell in cells)])).size)

    def quantiles(name: str) -> tuple[float | None, float | None]:
        """Return the median and the 95th percentile, linear between neighbours (Hyndman and Fan 1996, type 7)."""
        values = np.concatenate([np.empty(0), *(getattr(cell, name) for cell in cells)])
        if not values.size:
            return None, None
        median, high = np.quantile(values, (0.5, 0.95))
        return float(median), float(high)

    latency, ttft, queue = quantiles("latency"), quantiles("ttft"), quantiles("queue")
    return Totals(
        answers=added("answers"),
        people=different("people"),
        chats=different("chats"),
        prompt_tokens=added("prompt_tokens"),
        completion_tokens=added("completion_tokens"),
        errors=added("errors"),
        rated=rated,
        rated_good=rated_good,
        latency_p50=latency[0],
        latency_p95=latency[1],
        ttft_p50=ttft[0],
        ttft_p95=ttft[1],
        tokens_per_second=quantiles("speed")[0],
        queue_p50=queue[0],
        queue_p95=queue[1],
        inter_token_p95=quantiles("gaps")[1],
    )
