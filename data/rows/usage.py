"""Usage in SQL: one statement adds up each day, model and group.

People, chats and quantiles of several such cells do not follow from those of each. So every cell brings along who asked, in which chats,
and the values that were measured, packed into one column each: a few hundred rows instead of one per answer.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import JSON, ColumnElement, Date, Dialect, and_, cast, func, literal_column, select
from sqlalchemy.types import UserDefinedType

from core.embedding import VECTOR_SOURCES
from core.entities import FinishReason
from core.totals import Totals
from data.tables import FeedbackTable, GenerationTable
from data.transaction import AnyRow, AnySelect

Numbers = NDArray[np.float64]

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
    """All values of a group: from SQLite as JSON, which keeps 15 digits, from PostgreSQL as its big-endian doubles."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Numbers]:
        if dialect.name == "sqlite":
            return lambda value: np.array(json.loads(value), np.float64)
        return lambda value: np.frombuffer(value or b"", ">f8").astype(np.float64)


def usage_cells(*, sqlite: bool) -> AnySelect:
    """A row for each day (UTC), model and group that has any; narrow it with `where`."""
    made, failed = _T.source.not_in(sorted(VECTOR_SOURCES)), _T.finish_reason == FinishReason.ERROR
    day: ColumnElement[date]
    if sqlite:  # Numbers as text, not as parameters: the same expression must stand in GROUP BY.
        day = func.substr(_T.created_at, literal_column("1"), literal_column("10"), type_=Date)
    else:
        day = cast(func.timezone(literal_column("'UTC'"), _T.created_at), Date)

    def ids(column: ColumnElement[Any]) -> ColumnElement[Any]:
        gather = func.json_group_array if sqlite else func.json_agg
        return gather(column.distinct(), type_=JSON).filter(column.is_not(None))

    def values(column: ColumnElement[Any]) -> ColumnElement[Any]:
        if sqlite:
            packed = func.json_group_array(column, type_=Packed)
        else:
            packed = func.string_agg(func.float8send(column), literal_column("''::bytea"), type_=Packed)
        return packed.filter(made, ~failed, column.is_not(None))

    return (
        select(
            day.label("day"),
            _T.model,
            _T.group_name,
            func.count().filter(made).label("answers"),
            func.count().filter(made, failed).label("errors"),
            func.sum(_T.prompt_tokens).label("prompt_tokens"),
            func.sum(_T.completion_tokens).label("completion_tokens"),
            func.count(_FEEDBACK.rating).label("rated"),
            func.count().filter(_FEEDBACK.rating == 1).label("rated_good"),
            ids(_T.user_id).label("people"),
            ids(_T.conversation_id).label("chats"),
            *(values(column).label(name) for name, column in _MEASURED.items()),
        )
        .outerjoin(FeedbackTable, and_(_FEEDBACK.message_id == _T.message_id, _FEEDBACK.user_id == _T.user_id))
        .group_by(day, _T.model, _T.group_name)
    )


class SqlCountedAnswers:
    """Implements core.totals.CountedAnswers over rows of usage_cells."""

    def __init__(self, cells: Sequence[AnyRow]) -> None:
        self._cells = cells

    def total(self) -> Totals:
        return _totals(self._cells)

    def by_day(self) -> Mapping[date, Totals]:
        return self._by("day")

    def by_model(self) -> Mapping[str, Totals]:
        return self._by("model")

    def by_group(self) -> Mapping[str, Totals]:
        return self._by("group_name")

    def _by(self, name: str) -> dict[Any, Totals]:
        parts: dict[Any, list[AnyRow]] = defaultdict(list)
        for cell in self._cells:
            parts[getattr(cell, name)].append(cell)
        return {key: _totals(cells) for key, cells in parts.items()}


def _totals(cells: Sequence[AnyRow]) -> Totals:
    def added(name: str) -> int:
        return sum(map(attrgetter(name), cells))

    def different(name: str) -> int:
        return len(set().union(*(getattr(cell, name) or () for cell in cells)))

    def quantiles(name: str) -> tuple[float | None, float | None]:
        """The median and what nineteen of twenty lie below, linear between neighbours (Hyndman and Fan 1996, type 7)."""
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
        rated=added("rated"),
        rated_good=added("rated_good"),
        latency_p50=latency[0],
        latency_p95=latency[1],
        ttft_p50=ttft[0],
        ttft_p95=ttft[1],
        tokens_per_second=quantiles("speed")[0],
        queue_p50=queue[0],
        queue_p95=queue[1],
        inter_token_p95=quantiles("gaps")[1],
    )
