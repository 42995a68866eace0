from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.usage.boards.capacity import busiest_of, heat_of, weekly_waits
from core.usage.rollups.records import HourCell
from core.usage.rollups.sketches import ERROR, Sketch

ZURICH = ZoneInfo("Europe/Zurich")
MONDAYS = [date(2026, 10, 19), date(2026, 10, 26)]
LATER = datetime(2026, 12, 1, tzinfo=UTC)


def cell(hour: datetime, busy_s: float | None = 360, waits: tuple[float, ...] = (1.0,), model: str = "glm") -> HourCell:
    return HourCell(hour=hour, model=model, platform="local", answers=len(waits), busy_s=busy_s, queue=Sketch.of(waits).packed())


def nine(day: date) -> datetime:
    """Nine o'clock in Zurich, which is another hour in UTC after the clocks went back between these Mondays."""
    return datetime(day.year, day.month, day.day, 9, tzinfo=ZURICH).astimezone(UTC)


def test_the_same_hour_on_the_clocks_is_one_cell_across_a_change_of_clocks() -> None:
    first, second = map(nine, MONDAYS)
    assert (first.hour, second.hour) == (7, 8)
    heat = heat_of([cell(first, 360), cell(second, 1080, (3.0,))], MONDAYS, ZURICH, LATER)
    assert heat[0, 9].busy == pytest.approx(0.2) and heat[0, 9].answers == 2
    assert heat[0, 9].wait_p95 == pytest.approx(3.0, rel=ERROR)
    assert busiest_of(heat) == (0, 9)


def test_an_hour_without_answers_was_idle_and_a_day_that_was_not_counted_is_unknown() -> None:
    heat = heat_of([cell(nine(MONDAYS[0]))], [MONDAYS[0]], ZURICH, LATER)
    assert (heat[0, 10].busy, heat[0, 10].wait_p95) == (0.0, None) and heat[1, 9].busy is None


def test_answers_of_other_servers_measure_waits_and_no_computing() -> None:
    heat = heat_of([cell(nine(MONDAYS[0]), None)], [MONDAYS[0]], ZURICH, LATER)
    assert heat[0, 9].busy is None and heat[0, 9].wait_p95 is not None and busiest_of(heat) is None


def test_parts_of_one_model_add_up_and_of_several_models_the_busiest_counts() -> None:
    at = nine(MONDAYS[0])
    heat = heat_of([cell(at, 900), cell(at, 900), cell(at, 1000, model="air")], [MONDAYS[0]], ZURICH, LATER)
    assert heat[0, 9].busy == pytest.approx(0.5)


def test_the_hour_that_runs_now_is_left_out() -> None:
    at = nine(MONDAYS[0])
    assert heat_of([cell(at)], [MONDAYS[0]], ZURICH, at + timedelta(minutes=30))[0, 9].busy is None


def test_waits_are_gathered_by_week() -> None:
    weeks = weekly_waits([cell(nine(day), waits=(wait,)) for day, wait in zip(MONDAYS, (1.0, 4.0), strict=True)], ZURICH)
    assert [monday for monday, _ in weeks] == MONDAYS and weeks[1][1] == pytest.approx(4.0, rel=ERROR)
