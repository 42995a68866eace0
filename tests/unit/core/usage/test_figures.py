from __future__ import annotations

import pytest

from core.usage.figures import Figure, Share, difference_interval


@pytest.mark.parametrize(
    ("now", "before", "change"), [(112, 100, 0.12), (0, 50, -1), (5, 0, None), (0, 0, None), (None, 4, None), (4, None, None)]
)
def test_a_change_from_nothing_has_no_percentage(now: float | None, before: float | None, change: float | None) -> None:
    assert Figure(now, before).change == (None if change is None else pytest.approx(change))


def test_an_interval_is_that_of_wilson() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for good, of, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)):
        assert Share(good, of).interval() == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert Share(0, 0).interval() is None and Share(0, 0).value is None


def test_the_interval_of_a_difference_is_newcombes() -> None:
    # Newcombe 1998 (interval estimation for the difference), table II, method 10: 56 of 70 against 48 of 80, 9 of 10 against 3 of 10.
    assert difference_interval(Share(56, 70), Share(48, 80)) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))
    assert difference_interval(Share(9, 10), Share(3, 10)) == (pytest.approx(0.1705, abs=1e-4), pytest.approx(0.8090, abs=1e-4))
    assert difference_interval(Share(1, 2), Share(0, 0)) is None
