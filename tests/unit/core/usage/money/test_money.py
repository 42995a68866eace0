"""Costs by price, and the forecast of a month."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from core.errors import InvalidInput
from core.inference.records import Usage
from core.usage.money.forecast import expected_days, month_end, passes_on
from core.usage.money.pricing import cost_of
from core.usage.money.records import Budget, Price

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
