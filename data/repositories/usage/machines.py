"""Store the history of the machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, select

from core.usage.machines.records import HOUR_S, Gauge, Span, Spread, Subject
from data.tables import MachineSpanTable
from data.transaction import AnyRow, Transaction

_T = MachineSpanTable.__table__.c
_KEY = ["server", "subject", "name", "step_s", "at"]
_GAUGES = {gauge.value: gauge for gauge in Gauge}
_SUBJECTS = {subject.value: subject for subject in Subject}
"""A year has tens of thousands of rows: calling the enums would take a third of the time."""


class SqlMachineRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, spans: Sequence[Span]) -> None:
        for each in spans:
            values = {"server": each.server, "subject": each.subject.value, "name": each.name, "step_s": each.step_s, "at": each.at}
            rows = self._sql.lock(select(*_T).where(and_(*(_T[name] == value for name, value in values.items()))))
            whole = _span(rows[0]).merged(each) if rows else each
            self._sql.upsert(MachineSpanTable, _KEY, {**values, "gauges": _gauges(whole.gauges)}, ["gauges"], _T.server)

    def spans(
        self, step_s: int, since: datetime, until: datetime, subject: Subject | None = None, server: str | None = None
    ) -> Sequence[Span]:
        statement = select(*_T).where(_T.step_s == step_s, _T.at >= since, _T.at < until)
        if subject is not None:
            statement = statement.where(_T.subject == subject.value)
        if server is not None:
            statement = statement.where(_T.server == server)
        return [_span(row) for row in self._sql.all(statement.order_by(_T.at, _T.server, _T.subject, _T.name))]

    def servers(self, since: datetime) -> Sequence[str]:
        statement = select(_T.server).where(_T.step_s == HOUR_S, _T.at >= since).distinct().order_by(_T.server)
        return [row.server for row in self._sql.all(statement)]

    def remove(self, step_s: int, before: datetime) -> int:
        return self._sql.write(delete(MachineSpanTable).where(_T.step_s == step_s, _T.at < before)).rowcount


def _gauges(gauges: Mapping[Gauge, Spread]) -> dict[str, Any]:
    return {gauge.value: [each.n, each.mean, each.low, each.high] for gauge, each in gauges.items()}


def _span(row: AnyRow) -> Span:
    """Return a span, without gauges that only a newer release knows."""
    gauges = {_GAUGES[name]: _spread(*spread) for name, spread in row.gauges.items() if name in _GAUGES}
    return Span(server=row.server, subject=_SUBJECTS[row.subject], name=row.name, step_s=row.step_s, at=row.at, gauges=gauges)


def _spread(n: int, mean: float, low: float, high: float) -> Spread:
    return Spread(n=n, mean=mean, low=low, high=high)
