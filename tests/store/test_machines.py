"""The history of the machines on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.operations.retention import Retention
from core.usage.machines.records import HOUR_S, HOURS_KEPT, MINUTE_S, MINUTES_KEPT, Gauge, Span, Spread, Subject
from data.database import Database
from data.unit_of_work import SqlUnitOfWork

NOW = datetime(2026, 11, 16, 10, tzinfo=UTC)


def span(at: datetime, step_s: int = MINUTE_S, value: float = 0.5, server: str = "one") -> Span:
    return Span(server=server, subject=Subject.GPU, name="0 GPU", step_s=step_s, at=at, gauges={Gauge.GPU: Spread.of(value)})


def put(database: Database, *spans: Span) -> None:
    with SqlUnitOfWork(database) as work:
        work.machines.add(spans)
        work.commit()


def test_spans_are_stored_added_up_and_found(database: Database) -> None:
    put(database, span(NOW), span(NOW, server="two"), span(NOW, HOUR_S))
    put(database, span(NOW, value=1.0))
    with SqlUnitOfWork(database) as work:
        found = work.machines.spans(MINUTE_S, NOW, NOW + timedelta(minutes=1))
        whole = Spread(n=2, mean=0.75, low=0.5, high=1.0)
        assert [(each.server, each.gauges[Gauge.GPU]) for each in found] == [("one", whole), ("two", Spread.of(0.5))]
        assert not work.machines.spans(MINUTE_S, NOW + timedelta(seconds=1), NOW + timedelta(minutes=1))
        assert not work.machines.spans(MINUTE_S, NOW, NOW + timedelta(minutes=1), Subject.MODEL)
        assert list(work.machines.servers(NOW)) == ["one"]


def test_minutes_and_hours_are_removed_once_they_are_old(database: Database) -> None:
    minutes = [span(NOW - MINUTES_KEPT + timedelta(minutes=each)) for each in (-1, 1)]
    hours = [span(NOW - HOURS_KEPT + timedelta(minutes=each), HOUR_S) for each in (-1, 1)]
    put(database, *minutes, *hours)
    assert Retention(lambda: SqlUnitOfWork(database), lambda: NOW).remove_old_machine_history() == 2
    with SqlUnitOfWork(database) as work:
        assert work.machines.spans(MINUTE_S, NOW - 2 * HOURS_KEPT, NOW) == minutes[1:]
        assert work.machines.spans(HOUR_S, NOW - 2 * HOURS_KEPT, NOW) == hours[1:]
