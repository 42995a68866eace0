from __future__ import annotations

from datetime import date, timedelta

import pytest

from core.usage.boards.wait_forecast import LEAST_WEEKS, WEEKS_AHEAD, forecast_of

FIRST = date(2026, 8, 3)


def weeks(*values: float | None) -> list[tuple[date, float | None]]:
    return [(FIRST + timedelta(weeks=number), value) for number, value in enumerate(values)]


def test_a_steady_rise_goes_on_and_says_when_it_passes_the_limit() -> None:
    found = forecast_of(weeks(*(1.0 + number for number in range(9))), 11.5)
    assert found is not None and found.from_weeks == 9 and found.error_s == pytest.approx(0)
    assert [value for _, value in found.weeks] == pytest.approx([10, 11, 12, 13])
    assert found.passes_limit == FIRST + timedelta(weeks=11) and len(found.weeks) == WEEKS_AHEAD


def test_an_odd_week_does_not_turn_the_line_but_counts_in_the_error() -> None:
    found = forecast_of(weeks(2, 2, 2, 2, 2, 90, 2, 2, 2, 2), 10)
    assert found is not None and [value for _, value in found.weeks] == pytest.approx([2] * 4)
    assert found.error_s == pytest.approx(88 / 6) and found.passes_limit is None


def test_weeks_without_answers_are_left_out_and_keep_their_time() -> None:
    found = forecast_of(weeks(0, 1, None, None, 4, 5, 6, 7, 8, 9), None)
    assert found is not None and found.weeks[0][1] == pytest.approx(10) and found.passes_limit is None


def test_a_wait_never_becomes_negative() -> None:
    found = forecast_of(weeks(*range(8, 0, -1)), 10)
    assert found is not None and [value for _, value in found.weeks] == [0, 0, 0, 0]


def test_with_too_little_history_there_is_no_forecast() -> None:
    assert forecast_of(weeks(*range(LEAST_WEEKS - 1), None, None), 10) is None and forecast_of([], 10) is None
