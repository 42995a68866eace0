from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.usage.boards.machine_heat import fullest_of, machine_heat
from core.usage.boards.records import HeatCell, MachineFigure, Remedy
from core.usage.boards.remedies import remedies_of
from core.usage.machines.records import HOUR_S, Gauge, Span, Spread, Subject

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Zurich")
SLOT = (0, 10)
"""The same hour on Zurich's clocks."""
LATER = MONDAY + timedelta(days=30)


def span(at: datetime, gauges: Mapping[Gauge, float], server: str = "one", name: str = "0 GPU", subject: Subject = Subject.GPU) -> Span:
    values = {gauge: Spread.of(value) for gauge, value in gauges.items()}
    return Span(server=server, subject=subject, name=name, step_s=HOUR_S, at=at, gauges=values)


def test_the_fullest_gpu_counts_and_power_is_that_of_all() -> None:
    one = {Gauge.GPU: 0.4, Gauge.POWER: 100.0, Gauge.GPU_MEMORY: 20.0, Gauge.GPU_MEMORY_TOTAL: 80.0}
    two = {Gauge.GPU: 0.8, Gauge.POWER: 300.0, Gauge.GPU_MEMORY: 60.0, Gauge.GPU_MEMORY_TOTAL: 80.0}
    heat = machine_heat([span(MONDAY, one), span(MONDAY, two, server="two")], ZONE, LATER)
    assert {figure: values[SLOT] for figure, values in heat.items()} == {
        MachineFigure.GPU: 0.8, MachineFigure.POWER: 400.0, MachineFigure.GPU_MEMORY: 0.75,
    }  # fmt: skip


def test_weeks_are_averaged_and_hours_that_were_not_measured_stay_missing() -> None:
    heat = machine_heat([span(MONDAY, {Gauge.GPU: 0.2}), span(MONDAY + timedelta(weeks=1), {Gauge.GPU: 0.6})], ZONE, LATER)
    assert heat == {MachineFigure.GPU: {SLOT: pytest.approx(0.4)}}


def test_the_hour_that_runs_now_is_left_out() -> None:
    assert machine_heat([span(MONDAY, {Gauge.GPU: 0.2})], ZONE, MONDAY + timedelta(minutes=59)) == {}


def cells(busy: float, quiet: float = 0.5) -> dict[tuple[int, int], HeatCell]:
    return {SLOT: HeatCell(busy, 1.0, 9), (6, 3): HeatCell(quiet, None, 0), (6, 4): HeatCell(None, None, 0)}


@pytest.mark.parametrize(
    ("busy", "wait", "then", "helps"),
    [
        (0.79, 4.9, {}, ()),
        (0.8, 0.1, {}, (Remedy.ANOTHER_PLATFORM,)),
        (0.3, 5.0, {}, (Remedy.ANOTHER_PLATFORM,)),
        (0.9, 0.1, {MachineFigure.SLOTS: 0.9, MachineFigure.GPU_MEMORY: 0.5}, (Remedy.MORE_SLOTS, Remedy.ANOTHER_PLATFORM)),
        (0.9, 0.1, {MachineFigure.SLOTS: 0.9, MachineFigure.GPU_MEMORY: 0.5, MachineFigure.GPU: 0.95}, (Remedy.ANOTHER_PLATFORM,)),
        (0.9, 0.1, {MachineFigure.SLOTS: 0.9, MachineFigure.GPU_MEMORY: 0.9}, (Remedy.SMALLER_FILE, Remedy.ANOTHER_PLATFORM)),
    ],
)
def test_what_helps_follows_from_the_busiest_hour(
    busy: float, wait: float, then: dict[MachineFigure, float], helps: tuple[Remedy, ...]
) -> None:
    machines = {figure: {SLOT: value} for figure, value in then.items()}
    found = remedies_of(cells(busy), SLOT, machines, wait, 10.0)
    assert found.helps == helps and found.then == then


def test_without_measured_computing_the_used_slots_decide() -> None:
    machines = {MachineFigure.SLOTS: {SLOT: 0.85, (6, 3): 0.1}}
    assert fullest_of(machines) == SLOT and fullest_of({}) is None
    heat = {slot: HeatCell(None, 1.0, 3) for slot in (SLOT, (6, 3))}
    assert remedies_of(heat, SLOT, machines, 1.0, 10.0).helps == (Remedy.ANOTHER_PLATFORM,)


def test_batches_can_move_to_measured_idle_hours() -> None:
    found = remedies_of(cells(0.9, quiet=0.1), SLOT, {}, None, None)
    assert found.helps == (Remedy.MOVE_BATCHES, Remedy.ANOTHER_PLATFORM) and found.quiet == 1
    assert remedies_of({}, None, {}, None, 10.0).helps == ()
