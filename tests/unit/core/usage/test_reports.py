from __future__ import annotations

from datetime import date

import pytest

from core.errors import InvalidInput
from core.usage.reports import UsageQuery
from core.usage.totals import Totals


def test_the_interval_of_few_ratings_is_wide_and_stays_within_0_and_1() -> None:
    low, high = Totals(rated=1, rated_good=1).satisfaction_interval() or (0, 0)
    assert low == pytest.approx(0.2065, abs=1e-3) and high == pytest.approx(1.0)


def test_the_range_before_has_as_many_days_and_ends_the_day_before() -> None:
    query = UsageQuery(date(2026, 11, 8), date(2026, 11, 14))
    assert (query.before.first, query.before.last) == (date(2026, 11, 1), date(2026, 11, 7))


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(InvalidInput):
        UsageQuery(date(2026, 11, 8), date(2026, 11, 7))
