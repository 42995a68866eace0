"""Rules on what machines measure, and rules for one model, group or platform, over a real store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from core.errors import InvalidInput
from core.usage.alerts.records import Ending, Shown
from core.usage.alerts.rule_records import BY_PLATFORM, OF_MACHINES, AlertRule, Comparison, Measure
from core.usage.machines.records import MINUTE_S, Gauge, Span, Spread, Subject, start_of
from tests.store import things
from tests.unit.core.usage.alerts.conftest import ERRORS, House

FULL = AlertRule(name="GPU memory", measure=Measure.GPU_MEMORY, threshold=95, recovery=90)


def minute(
    house: House, gauges: Mapping[Gauge, float], subject: Subject = Subject.GPU, name: str = "0 GPU", server: str = "one",
    at: datetime | None = None,
) -> None:  # fmt: skip
    """Store a minute that has ended."""
    start = start_of(at or house.clock() - timedelta(minutes=2), MINUTE_S)
    with house.unit_of_work() as work:
        spread = {gauge: Spread.of(value) for gauge, value in gauges.items()}
        work.machines.add([Span(server=server, subject=subject, name=name, step_s=MINUTE_S, at=start, gauges=spread)])
        work.commit()


def memory(used: float) -> dict[Gauge, float]:
    return {Gauge.GPU_MEMORY: used, Gauge.GPU_MEMORY_TOTAL: 100.0}


def test_a_full_gpu_fires_and_recovers_and_without_minutes_there_is_no_data(house: House) -> None:
    stored = house.rules.add(house.boss, FULL)
    for used in (50.0, 99.0):
        for _ in range(7):
            minute(house, memory(20.0), server="two")
            minute(house, memory(used))
            house.check(minutes=1)
    assert house.rules.get(house.boss, stored.id).shown(house.clock()) is Shown.FIRING, "the fullest GPU counts"
    for _ in range(10):
        minute(house, memory(50.0))
        house.check(minutes=1)
    assert house.rules.get(house.boss, stored.id).shown(house.clock()) is Shown.QUIET
    [episode] = house.handling.history(house.boss).episodes
    assert episode.ending is Ending.RECOVERED
    house.check(minutes=12)
    assert house.rules.get(house.boss, stored.id).shown(house.clock()) is Shown.NO_DATA


def test_a_gpu_that_is_not_measured_is_no_data_and_never_zero(house: House) -> None:
    stored = house.rules.add(house.boss, replace(FULL, comparison=Comparison.UNDER, threshold=5, recovery=None))
    minute(house, {Gauge.TEMPERATURE: 60.0})
    house.check(minutes=6)
    assert house.rules.get(house.boss, stored.id).shown(house.clock()) is Shown.NO_DATA


@pytest.mark.parametrize(
    ("measure", "subject", "gauges", "value"),
    [
        (Measure.DISK, Subject.MACHINE, {Gauge.DISK_FREE: 12.5e9}, 12.5),
        (Measure.MEMORY, Subject.MACHINE, {Gauge.MEMORY: 3.0, Gauge.MEMORY_TOTAL: 4.0}, 75.0),
        (Measure.GPU_MEMORY, Subject.GPU, memory(40.0), 40.0),
        (Measure.GPU_BUSY, Subject.GPU, {Gauge.GPU: 0.5}, 50.0),
        (Measure.GPU_TEMPERATURE, Subject.GPU, {Gauge.TEMPERATURE: 71.0}, 71.0),
        (Measure.SLOTS, Subject.MODEL, {Gauge.SLOTS: 0.25}, 25.0),
        (Measure.WAITING, Subject.MODEL, {Gauge.WAITING: 6.0}, 6.0),
    ],
)
def test_each_measure_of_machines_has_its_value_and_its_past(
    house: House, measure: Measure, subject: Subject, gauges: dict[Gauge, float], value: float
) -> None:
    minute(house, gauges, subject)
    preview = house.previews.preview(house.boss, AlertRule(name="x", measure=measure, threshold=value - 1), days=1)
    assert preview.kept and preview.now == pytest.approx(value) and len(preview.fired) == 1


def test_every_measure_of_machines_is_tried_above() -> None:
    [mark] = [each for each in test_each_measure_of_machines_has_its_value_and_its_past.pytestmark if each.name == "parametrize"]
    assert {row[0] for row in mark.args[1]} == OF_MACHINES


def test_the_emptiest_disk_of_all_servers_counts(house: House) -> None:
    for server, free in (("one", 80e9), ("two", 3e9)):
        minute(house, {Gauge.DISK_FREE: free}, Subject.MACHINE, "", server)
    disk = AlertRule(name="Disk", measure=Measure.DISK, comparison=Comparison.UNDER, threshold=10)
    assert house.previews.preview(house.boss, disk, days=1).now == 3.0


def test_a_preview_replays_the_minutes_of_the_past(house: House) -> None:
    start = house.clock() - timedelta(hours=3)
    for number in range(180):
        minute(house, memory(99.0 if 60 <= number < 80 else 50.0), at=start + timedelta(minutes=number))
    preview = house.previews.preview(house.boss, FULL, days=1)
    assert len(preview.fired) == 1 and timedelta(minutes=15) <= preview.lasted <= timedelta(minutes=26)


def test_a_rule_of_one_model_leaves_the_others_out(house: House) -> None:
    for name, used in (("glm", 0.9), ("air", 0.1)):
        minute(house, {Gauge.SLOTS: used}, Subject.MODEL, name)
    slots = AlertRule(name="Slots", measure=Measure.SLOTS, threshold=80)
    found = [house.previews.preview(house.boss, replace(slots, model=model), days=1).now for model in (None, "glm", "air", "none")]
    assert found == [pytest.approx(90), pytest.approx(90), pytest.approx(10), None]


def test_a_rule_of_one_platform_fires_for_it_alone_and_has_no_data_and_recovers(house: House) -> None:
    def answers(platform: str, queue_s: float) -> None:
        with house.unit_of_work() as work:
            row = things.generation(house.boss, at=house.clock())
            for _ in range(10):
                fresh = things.generation(house.boss, at=house.clock())
                work.generations.add(replace(fresh, platform=platform, timings=replace(row.timings, queue_s=queue_s)))
            work.commit()

    waits = AlertRule(name="Waits", measure=Measure.QUEUE, threshold=5, least=10)
    slow, fine = (house.rules.add(house.boss, replace(waits, name=name, platform=name)) for name in ("gateway", "local"))
    answers("gateway", 9.0)
    answers("local", 0.1)
    house.check()
    assert house.rules.get(house.boss, slow.id).shown(house.clock()) is Shown.FIRING
    assert house.rules.get(house.boss, fine.id).shown(house.clock()) is Shown.QUIET
    house.check(minutes=6)
    answers("local", 0.1)
    house.check()
    assert house.rules.get(house.boss, slow.id).shown(house.clock()) is Shown.NO_DATA, "answers of others are no data"
    assert house.rules.get(house.boss, slow.id).rule.platform == "gateway"
    answers("gateway", 9.0)
    house.check()
    house.clock.forward(minutes=5)
    answers("gateway", 0.1)
    house.check(minutes=1)
    assert house.handling.history(house.boss).episodes[0].ending is Ending.RECOVERED


@pytest.mark.parametrize("measure", [each for each in Measure if each not in BY_PLATFORM])
def test_measures_without_a_platform_refuse_one(measure: Measure) -> None:
    with pytest.raises(InvalidInput, match="platform"):
        AlertRule(name="x", measure=measure, threshold=1, platform="gateway")
    with pytest.raises(InvalidInput, match="platform"):
        replace(ERRORS, platform="")
