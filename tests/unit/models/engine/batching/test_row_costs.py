"""The measured cost of a number of rows."""

from __future__ import annotations

import pytest

from models.engine.batching.row_costs import LONG_S, TRIES, RowCosts


def known(most: int, seconds: dict[int, float]) -> RowCosts:
    costs = RowCosts(most)
    while costs.missing is not None:
        costs.measured(seconds[costs.missing])
    return costs


def test_few_rows_come_first_and_every_number_that_is_common() -> None:
    costs, asked = RowCosts(64), []
    while costs.missing is not None:
        asked.append(costs.missing)
        costs.measured(0.001)
    assert asked == TRIES * [*range(1, 17), *range(20, 65, 4)], "what keeps one try waiting may keep the next too"


@pytest.mark.parametrize("most", [1, 2, 6, 50, 256])
def test_the_most_rows_are_measured_too(most: int) -> None:
    costs = known(most, dict.fromkeys(range(most + 1), 0.002))
    assert costs.known and costs.of(most) == pytest.approx(0.002)


def test_the_shortest_of_a_few_times_counts() -> None:
    costs = RowCosts(1)
    for seconds in (0.03, 0.02, 0.3):
        assert not costs.known
        costs.measured(seconds)
    assert costs.of(1) == 0.02


def test_what_takes_long_is_not_tried_again() -> None:
    costs, asked = RowCosts(3), []
    while costs.missing is not None:
        asked.append(costs.missing)
        costs.measured(0.6 * LONG_S if costs.missing == 2 else LONG_S)
    assert asked == [1, 2, 3, 2]


def test_between_two_numbers_it_is_in_proportion() -> None:
    costs = known(20, {rows: 0.01 * rows for rows in range(17)} | {20: 0.4})
    assert costs.of(18) == pytest.approx((0.16 + 0.4) / 2)


def test_what_longer_conversations_add_is_learned_a_row() -> None:
    costs = known(4, {1: 0.01, 2: 0.012, 3: 0.014, 4: 0.016})
    for _ in range(100):
        costs.learn([4, 1], 0.016 + 0.01 + 5 * 0.002)
    assert costs.of(1) == pytest.approx(0.012, rel=0.01)
    assert costs.of(4) == pytest.approx(0.024, rel=0.01)
    for _ in range(100):
        costs.learn([4], 0.001)
    assert costs.of(4) == pytest.approx(0.016, rel=0.01), "no less than was measured"


def test_what_cannot_be_measured_stays_unknown() -> None:
    costs = RowCosts(4)
    costs.measured(0.01)
    costs.give_up()
    costs.learn([1], 1.0)
    assert costs.missing is None and not costs.known


def test_where_nothing_is_to_be_measured_nothing_is_known() -> None:
    costs = RowCosts(0)
    assert costs.missing is None and not costs.known
