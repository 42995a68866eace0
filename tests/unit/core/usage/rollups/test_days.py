"""A day's rollup against a plain recount of the same rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.inference.records import ANSWERLESS, FinishReason, Source
from core.usage.rollups.days import bounds_of, hour_of, rolled_up
from core.usage.rollups.records import AnsweredRow, CellKey, DayRollup, Measure, Signature
from core.usage.rollups.sketches import Sketch

DAY = date(2026, 10, 25)
ZURICH = ZoneInfo("Europe/Zurich")
START, END = bounds_of(DAY, ZURICH)
SECONDS = some.floats(0, 9_000, allow_nan=False).map(lambda value: round(value, 3))


def row(**changes: object) -> AnsweredRow:
    values: dict[str, object] = dict(
        user_id="ana", group="Risk", model="glm", platform="local", source=Source.CHAT, created_at=START, finish_reason=FinishReason.STOP,
        prompt_tokens=10, completion_tokens=5, cached_tokens=2, queue_s=0.5, ttft_s=1.0, duration_s=4.0, tokens_per_second=20.0,
        device_s=2.0, retries=0, regenerated=False, rating=None, cost=None, currency="",
    )  # fmt: skip
    return AnsweredRow(**{**values, **changes})  # type: ignore[arg-type]


ROWS = some.lists(
    some.builds(
        lambda second, **changes: row(created_at=START + timedelta(seconds=second), **changes),
        second=some.integers(0, int((END - START).total_seconds()) - 1),
        user_id=some.sampled_from("abc"),
        group=some.sampled_from(["", "Risk"]),
        model=some.sampled_from(["glm", "air"]),
        platform=some.sampled_from(["local", "gateway"]),
        source=some.sampled_from(list(Source)),
        finish_reason=some.sampled_from(list(FinishReason)),
        prompt_tokens=some.integers(0, 10**9),
        queue_s=SECONDS,
        duration_s=SECONDS,
        ttft_s=some.none() | SECONDS,
        tokens_per_second=some.none() | SECONDS,
        device_s=some.none() | SECONDS,
        retries=some.none() | some.integers(0, 2),
        regenerated=some.booleans(),
        rating=some.sampled_from([None, 1, -1]),
        cost=some.none() | some.floats(0, 9),
    ),
    max_size=40,
)


def rollup(rows: list[AnsweredRow], zone: ZoneInfo = ZURICH) -> DayRollup:
    return rolled_up(DAY, zone, rows, Signature(len(rows)), END)


@given(ROWS)
def test_every_cell_equals_a_recount(rows: list[AnsweredRow]) -> None:
    made = rollup(rows)
    assert sum(cell.sums.rows for cell in made.cells.values()) == len(rows)
    for key, cell in made.cells.items():
        own = [r for r in rows if CellKey(model=r.model, platform=r.platform, group=r.group, source=r.source, currency=r.currency) == key]
        answers = [r for r in own if r.source not in ANSWERLESS]
        sums = cell.sums
        assert (sums.rows, sums.answers) == (len(own), len(answers))
        assert sums.errors == sum(r.finish_reason == "error" for r in answers)
        assert sums.stopped == sum(r.finish_reason == "cancelled" for r in answers)
        assert sums.cut == sum(r.finish_reason == "length" for r in answers)
        assert sums.retries == sum(r.retries or 0 for r in answers) and sums.regenerated == sum(r.regenerated for r in answers)
        assert sums.tokens == sum(r.prompt_tokens + r.completion_tokens for r in own)
        assert (sums.rated, sums.rated_good) == (sum(r.rating is not None for r in answers), sum(r.rating == 1 for r in answers))
        assert sums.priced == sum(r.cost is not None for r in own) and sums.cost == pytest.approx(sum(r.cost or 0 for r in own))
        good = [r for r in answers if r.finish_reason != "error"]
        assert cell.sketches.get(Measure.LATENCY, Sketch()).counts == Sketch.of(r.duration_s for r in good).counts
        assert cell.sketches.get(Measure.TTFT, Sketch()).counts == Sketch.of(r.ttft_s for r in good if r.ttft_s is not None).counts


@given(ROWS)
def test_people_count_their_answers_only(rows: list[AnsweredRow]) -> None:
    people = rollup(rows).people
    answers = [r for r in rows if r.source not in ANSWERLESS]
    assert sum(each.answers for each in people) == len(answers) and {each.user_id for each in people} == {r.user_id for r in answers}


@given(ROWS)
def test_hours_keep_every_second_that_was_computed(rows: list[AnsweredRow]) -> None:
    hours = rollup(rows).hours
    assert sum(each.busy_s or 0 for each in hours) == pytest.approx(sum(r.device_s or 0 for r in rows))
    assert sum(each.answers for each in hours) == sum(r.source not in ANSWERLESS for r in rows)


def test_computing_is_spread_over_the_hours_it_took() -> None:
    at = START + timedelta(minutes=50)
    hours = rollup([row(created_at=at, queue_s=300, duration_s=300 + 1200, device_s=600)]).hours
    assert [(each.hour, each.answers, each.busy_s) for each in hours] == [(START, 1, 150), (START + timedelta(hours=1), 0, 450)]


def test_what_was_not_measured_is_missing_rather_than_zero() -> None:
    [hour] = rollup([row(device_s=None)]).hours
    assert hour.busy_s is None


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)])
def test_a_day_with_a_change_of_clocks_is_shorter_or_longer(day: date, hours: int) -> None:
    start, end = bounds_of(day, ZURICH)
    assert end - start == timedelta(hours=hours) and bounds_of(day + timedelta(days=1), ZURICH)[0] == end


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    twice = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    assert {each.astimezone(ZURICH).hour for each in twice} == {2}
    assert [hour_of(each, ZURICH) for each in twice] == [datetime(2026, 10, 25, hour, tzinfo=UTC) for hour in (0, 1)]


def test_hours_begin_as_the_clocks_of_the_zone_say() -> None:
    assert hour_of(datetime(2026, 11, 1, 6, 10, tzinfo=UTC), ZoneInfo("Asia/Kolkata")) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
