from __future__ import annotations

import random

import pytest

from models.degeneration import BROKEN_TOKENS, SUSPECT_TOKENS, TIMES, repetition


def tokens(count: int, kinds: int = 1000) -> list[int]:
    rng = random.Random(1)
    return [rng.randrange(kinds) for _ in range(count)]


@pytest.mark.parametrize("unit", [1, 2, 7, 26, 64])
def test_a_repeated_passage_is_suspected_then_found_broken(unit: int) -> None:
    good = tokens(300)
    answer = good + [2000 + place for place in range(unit)] * 400
    first = next(end for end in range(300, len(answer)) if repetition(answer, 100, end))
    assert first - 300 - unit == max(SUSPECT_TOKENS, TIMES * unit)
    broken = next(end for end in range(first, len(answer)) if (found := repetition(answer, 100, end)) and found.broken)
    found = repetition(answer, 100, broken)
    assert found is not None and (found.start, found.unit) == (300, unit)
    assert broken - 300 - unit == max(BROKEN_TOKENS, 2 * TIMES * unit)


def test_one_symbol_without_end_is_found() -> None:
    found = repetition([7] * 50 + [9] * 400, 50, 450)
    assert found is not None and found.broken and found.unit == 1


@pytest.mark.parametrize("kinds", [2, 5, 1000])
def test_random_tokens_are_no_repetition(kinds: int) -> None:
    answer = tokens(3000, kinds)
    assert not any(repetition(answer, 0, end) for end in range(0, 3000, 7))


def test_the_prompt_is_not_looked_at() -> None:
    assert repetition([5] * 1000, 990, 1000) is None


def test_a_table_a_list_and_a_refrain_are_no_repetition() -> None:
    row = [1, 2, 1, 3, 1, 2, 1, 4]
    table = [token for number in range(60) for token in [*row, 100 + number]]
    refrain = [token for number in range(5) for token in [*range(500, 540), *range(600 + 40 * number, 640 + 40 * number)]]
    ruler = [8] * 40
    for answer in (table, refrain, ruler):
        assert not any(repetition(answer, 0, end) for end in range(len(answer) + 1))


def test_what_goes_on_differently_is_no_repetition_any_more() -> None:
    answer = [1, 2] * 40
    assert repetition(answer, 0, 80) is not None
    assert repetition([*answer, 3], 0, 81) is None
