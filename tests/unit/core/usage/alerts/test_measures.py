"""Values over a moving window, and previews that replay them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles

import pytest

from core.usage.alerts.measures import UNITS, Reading, Window
from core.usage.alerts.preview import measured, played
from core.usage.alerts.records import Ending, Sample
from core.usage.alerts.rule_records import AlertRule, Measure

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def rule(measure: Measure, **changes: object) -> AlertRule:
    return replace(AlertRule(name="Rule", measure=measure, threshold=5), **changes)  # type: ignore[arg-type]


def at(minutes: float, value: float = 1.0, who: str = "") -> Sample:
    return Sample(NOON + timedelta(minutes=minutes), value, who)


def test_every_measure_has_a_unit() -> None:
    assert set(UNITS) == set(Measure)


def test_percentiles_forget_what_left_the_window() -> None:
    window = Window(rule(Measure.TTFT))
    values = [0.2, 9.0, 0.4, 0.4, 1.5, 0.1]
    for number, value in enumerate(values):
        window.add(at(number, value))
    reading = window.reading(NOON + timedelta(minutes=5))
    assert reading == Reading(pytest.approx(quantiles(values, n=20, method="inclusive")[-1]), 6)
    reading = window.reading(NOON + timedelta(minutes=7))
    assert reading == Reading(pytest.approx(quantiles(values[2:], n=20, method="inclusive")[-1]), 4)
    assert window.reading(NOON + timedelta(hours=1)) == Reading(None, 0)


def test_speeds_are_medians_shares_percents_and_people_counted_once() -> None:
    speeds, shares, people = (Window(rule(each)) for each in (Measure.SPEED, Measure.ERRORS, Measure.PEOPLE))
    for number, value in enumerate([30.0, 12.0, 38.0, 50.0]):
        speeds.add(at(number, value))
        shares.add(at(number, float(number == 1)))
        people.add(at(number, who="ana" if number < 3 else "mei"))
    end = NOON + timedelta(minutes=4)
    assert speeds.reading(end).value == median([30.0, 12.0, 38.0, 50.0]) and shares.reading(end) == Reading(25.0, 4)
    assert people.reading(end) == Reading(2.0, 4) and people.reading(end + timedelta(minutes=4)) == Reading(1.0, 1)
    assert shares.reading(end + timedelta(hours=1)) == Reading(None, 0), "without answers there is no share"
    assert people.reading(end + timedelta(hours=1)) == Reading(0.0, 0), "but there are no people"


def test_tokens_count_from_midnight() -> None:
    window = Window(rule(Measure.TOKENS))
    for minutes in (0, 11 * 60, 11 * 60 + 20):
        window.add(at(minutes, 1000.0))
    assert window.reading(NOON + timedelta(hours=11, minutes=30)).value == 3000.0
    assert window.reading(NOON + timedelta(hours=12)).value == 0.0, "they were yesterday"


def test_a_preview_fires_as_the_checks_would() -> None:
    """Twelve minutes of errors, and two short bursts that do not hold."""
    errors = rule(Measure.ERRORS, hold_s=300, least=2, window_s=120)
    bad = {*range(60, 72), *range(200, 203), *range(300, 303)}
    samples = [at(minute + part / 4, float(minute in bad)) for minute in range(400) for part in range(4)]
    readings = measured(errors, samples, NOON, NOON + timedelta(minutes=400))
    [only] = played(errors, readings)
    assert timedelta(minutes=64) <= only.started_at - NOON <= timedelta(minutes=67) and only.ending is Ending.RECOVERED
    assert only.ended_at is not None and timedelta(minutes=72) <= only.ended_at - NOON <= timedelta(minutes=75) and only.worst == 100.0
    assert len(played(replace(errors, hold_s=0), readings)) == 3
    assert len(played(replace(errors, threshold=100.0), readings)) == 0


def test_long_windows_are_checked_less_often() -> None:
    assert rule(Measure.ERRORS, window_s=60).interval == timedelta(seconds=30)
    assert rule(Measure.ERRORS, window_s=3600).interval == timedelta(minutes=3)
    assert rule(Measure.TOKENS).interval == rule(Measure.POOR, window_s=7 * 86_400).interval == timedelta(minutes=5)
    assert rule(Measure.INDEX, window_s=86_400).interval == timedelta(seconds=30)
