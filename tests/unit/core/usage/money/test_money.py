"""Costs by price, and the forecast of a month."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from core.errors import InvalidInput
from core.inference.records import Usage
from core.usage.machines.records import HOUR_S, Gauge, Span, Spread, Subject
from core.usage.money.energy import energy_of
from core.usage.money.forecast import expected_days, month_end, passes_on
from core.usage.money.pricing import cost_of
from core.usage.money.records import Budget, Price
from core.usage.rollups.records import HourCell

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TODAY = date(2026, 11, 16)
"""A Monday."""


def price(**changes: object) -> Price:
    values: dict[str, object] = {"model": "glm", "currency": "USD", "valid_from": NOW, **changes}
    return Price(**values)  # type: ignore[arg-type]


def test_tokens_cost_by_the_million_and_cached_ones_have_their_own_price() -> None:
    usage = Usage(prompt_tokens=3_000_000, completion_tokens=500_000, cached_tokens=1_000_000)
    assert cost_of(price(input=0.6, cached=0.1, output=2.2), usage, None) == pytest.approx(2 * 0.6 + 0.1 + 1.1)
    assert cost_of(price(input=0.6, output=2.2), usage, None) == pytest.approx(3 * 0.6 + 1.1)
    assert cost_of(price(input=0.6, cached=0.0, output=2.2), usage, None) == pytest.approx(2 * 0.6 + 1.1)


def test_computing_costs_its_hours_and_its_power() -> None:
    # Half an hour at 0.62 an hour, and 700 W at 0.21 a kilowatt-hour.
    assert cost_of(price(device_hour=0.62, watts=700, kwh=0.21), Usage(), 1800) == pytest.approx(0.31 + 0.35 * 0.21)


def test_computing_that_was_not_measured_has_no_cost_rather_than_none_of_it() -> None:
    assert cost_of(price(device_hour=0.62), Usage(10, 10), None) is None
    assert cost_of(price(device_hour=0.62), Usage(10, 10), 0.0) == 0


@pytest.mark.parametrize(
    "changes",
    [{}, {"input": -1}, {"input": float("nan")}, {"output": float("inf")}, {"input": 1, "currency": "usd"}, {"watts": 700}, {"kwh": 1},
     {"input": 1, "model": ""}, {"input": 2e9}],
)  # fmt: skip
def test_a_price_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        price(**changes)


def test_a_budget_begins_with_a_month_and_is_not_negative() -> None:
    for changes in ({"month": date(2026, 11, 2)}, {"amount": -1.0}, {"currency": "$"}):
        with pytest.raises(InvalidInput):
            Budget(**{"group": "Risk", "month": date(2026, 11, 1), "amount": 5.0, "currency": "USD", **changes})  # type: ignore[arg-type]


def test_each_day_left_costs_the_mean_of_its_weekday_in_four_weeks() -> None:
    costs = {TODAY - timedelta(days=n): 10.0 if (TODAY - timedelta(days=n)).weekday() < 5 else 1.0 for n in range(1, 29)}
    costs[TODAY - timedelta(days=7)] = 30.0  # a dear Monday: the mean of four is 15
    costs[TODAY - timedelta(days=35)] = 1e6  # too old to count
    costs[TODAY] = 4.0
    expected = expected_days(costs, TODAY)
    assert expected is not None and len(expected) == 14 and max(expected) == date(2026, 11, 30)
    assert expected[date(2026, 11, 23)] == 15 and expected[date(2026, 11, 17)] == 10 and expected[date(2026, 11, 21)] == 1


def test_with_few_days_there_is_no_forecast() -> None:
    assert expected_days({TODAY - timedelta(days=n): 1.0 for n in range(6)}, TODAY) is None
    assert expected_days({TODAY - timedelta(days=n): 1.0 for n in range(1, 8)}, TODAY) is not None


def test_a_budget_is_passed_on_the_first_day_above_it() -> None:
    costs = {date(2026, 10, 31): 500.0, date(2026, 11, 2): 40.0, TODAY: 20.0}
    expected = {date(2026, 11, 17): 30.0, date(2026, 11, 18): 30.0}
    assert passes_on(costs, expected, TODAY, 59.99) == TODAY
    assert passes_on(costs, expected, TODAY, 60.0) == date(2026, 11, 17)
    assert passes_on(costs, expected, TODAY, 120.0) is None


def test_months_end_where_the_calendar_says() -> None:
    assert [month_end(date(2028, month, 1)).day for month in (1, 2, 4, 12)] == [31, 29, 30, 31]


def computed(busy_s: float | None, at: datetime = NOW, model: str = "glm") -> HourCell:
    return HourCell(hour=at, model=model, platform="local", answers=1, busy_s=busy_s, queue=b"")


def drawn(watts: float, server: str = "one", name: str = "0 GPU", at: datetime = NOW) -> Span:
    gauges = {Gauge.BUSY_POWER: Spread.of(watts), Gauge.POWER: Spread.of(1.0)}
    return Span(server=server, subject=Subject.GPU, name=name, step_s=HOUR_S, at=at, gauges=gauges)


def test_electricity_is_the_measured_power_over_the_time_of_answers() -> None:
    prices = [price(watts=100.0, kwh=0.5)]
    [energy] = energy_of([computed(1800)], [drawn(300.0), drawn(100.0, name="1 GPU")], prices)
    assert energy.measured_wh == pytest.approx(200) and energy.assumed_wh == 0 and energy.currency == "USD"
    assert energy.cost == pytest.approx(0.1) and energy.computed_s == 1800 and energy.was_measured


def test_where_power_was_not_measured_the_price_table_counts_and_is_told_apart() -> None:
    later = NOW + timedelta(hours=1)
    prices = [price(watts=100.0, kwh=0.5)]
    [energy] = energy_of([computed(3600), computed(1800, later)], [drawn(300.0)], prices)
    assert (energy.measured_wh, energy.assumed_wh) == (pytest.approx(300), pytest.approx(50)) and energy.cost == pytest.approx(0.175)
    [unknown] = energy_of([computed(1800), computed(None)], [], [])
    assert (unknown.unknown_s, unknown.cost, unknown.currency, unknown.was_measured) == (1800, None, "", False)


def test_models_that_compute_at_once_share_the_hour_and_servers_add_up() -> None:
    both = [computed(3600), computed(3600, model="air")]
    assert [each.measured_wh for each in energy_of(both, [drawn(400.0)], [])] == [pytest.approx(200)] * 2
    two = [drawn(400.0), drawn(200.0, server="two")]
    assert [each.measured_wh for each in energy_of(both, two, [])] == [pytest.approx(300)] * 2


def test_the_price_on_the_platform_comes_before_that_of_the_model_and_later_prices_do_not_count() -> None:
    prices = [
        price(kwh=1.0, watts=1.0), price(model="glm@local", kwh=2.0, watts=1.0, currency="EUR"),
        price(kwh=9.0, watts=1.0, valid_from=NOW + timedelta(hours=1)),
    ]  # fmt: skip
    [energy] = energy_of([computed(3600)], [drawn(1000.0)], prices)
    assert energy.currency == "EUR" and energy.cost == pytest.approx(2.0)
