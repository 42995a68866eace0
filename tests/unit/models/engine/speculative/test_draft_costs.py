"""The cost of draft tokens in a step, and which are chosen, with made-up costs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models.engine.batching.row_costs import RowCosts
from models.engine.speculative.draft_costs import DraftCosts


def costs(row_s: Callable[[int], float], most: int = 80, *, own_streams: bool = True) -> DraftCosts:
    rows = RowCosts(most)
    while rows.missing is not None:
        rows.measured(row_s(rows.missing))
    return DraftCosts(rows, own_streams=own_streams)


def powers(rows: int) -> float:
    return float(2**rows)


@pytest.mark.parametrize(
    ("slots", "guesses", "with_them", "without"),
    [
        ([0], {0: 3}, [4], [1]),
        ([0, 1, 2], {1: 4}, [3, 4], [3]),
        ([0, 1, 2], {0: 2, 1: 2, 2: 2}, [9], [3]),
        ([0, 1, 2], {0: 2, 1: 2, 2: 1}, [6, 2], [3]),
        ([0, 1, 2, 3], {0: 5, 2: 3, 3: 3}, [4, 5, 6], [4]),
        ([0, 1, 7], {7: 5}, [6], [1]),
    ],
)
def test_equally_many_tokens_of_neighbours_are_taken_together_and_then_the_rest(
    slots: list[int], guesses: dict[int, int], with_them: list[int], without: list[int]
) -> None:
    """As llama.cpp's split_equal does; of runs without guesses nothing is added."""
    made = costs(powers, 16)
    assert made.added(made.together(slots), guesses) == sum(map(powers, with_them)) - sum(map(powers, without))


def test_where_all_share_one_memory_all_rows_are_taken_together() -> None:
    made = costs(powers, 16, own_streams=False)
    assert made.added(made.together([0, 3, 7]), {3: 4}) == powers(7) - powers(3)


def on_a_processor(rows: int) -> float:
    """Return the cost of some rows: a second row triples the step, and a tile of eight takes what five do."""
    return 2.0 if rows == 1 else 6.0 + 8.0 * -(-rows // 8)


def test_many_draft_tokens_may_pay_where_a_few_do_not() -> None:
    made = costs(on_a_processor)
    assert made.best([0], {0: (0.5, 15)}, 15, 2.0) == {}
    assert made.best([0], {0: (0.99, 15)}, 2, 2.0) == {}
    assert made.best([0], {0: (0.99, 15)}, 15, 2.0) == {0: 15}


def test_draft_tokens_of_several_answers_are_likeliest_first_and_as_long_as_is_quickest() -> None:
    def gpu(rows: int) -> float:
        return 5.0 + 0.1 * rows

    made = costs(gpu)
    slots = [0, 1, 2, 3]
    alike = made.best(slots, dict.fromkeys(slots, (0.9, 15)), 16, gpu(4))
    assert alike == dict.fromkeys(slots, 4), "all in one go"
    assert list(made.best(slots, {1: (0.2, 15), 2: (0.95, 15)}, 16, gpu(4))) == [2]
    assert made.best(slots, dict.fromkeys(slots, (0.99, 15)), 5, gpu(4)) == dict.fromkeys(slots, 1), "a fifth would be computed by itself"
    assert made.best(slots, {2: (0.99, 3)}, 16, gpu(4)) == {}, "three do not pay for reading the weights once more"


def test_what_draft_tokens_take_besides_counts_too() -> None:
    made = costs(lambda rows: 1.0)
    assert made.best([0], {0: (0.5, 1)}, 16, 1.0) == {0: 1}
    assert made.best([0], {0: (0.5, 1)}, 16, 1.0, lambda guesses: 0.4 * guesses[0]) == {0: 1}
    assert made.best([0], {0: (0.5, 1)}, 16, 1.0, lambda guesses: 0.5 * guesses[0]) == {}


def test_what_draft_tokens_really_take_is_learned_and_forgotten() -> None:
    made = costs(lambda rows: 1.0 + 0.1 * rows)
    expected = made.added([range(1)], {0: 4})
    for _ in range(50):
        made.learn([0], {0: 4}, 1.1 + 2 * 0.4, 1.1)
    assert made.added([range(1)], {0: 4}) == pytest.approx(2 * expected, rel=0.15)
    for _ in range(50):
        made.learn([0], {0: 4}, 0.5, 1.1)
    assert made.added([range(1)], {0: 4}) == pytest.approx(0, abs=0.01), "never less than nothing"
    for _ in range(1_000):
        made.forget()
    assert made.added([range(1)], {0: 4}) == pytest.approx(expected, rel=0.05)


def test_a_step_that_was_kept_waiting_says_little() -> None:
    made = costs(lambda rows: 1.0 + 0.1 * rows)
    expected = made.added([range(1)], {0: 4})
    made.learn([0], {0: 4}, 100.0, 1.1)
    assert made.added([range(1)], {0: 4}) <= 1.2 * expected


def test_before_the_costs_are_known_nothing_is_learned() -> None:
    made = DraftCosts(RowCosts(0), own_streams=True)
    made.learn([0], {0: 4}, 2.0, 1.0)
    assert not made.known
