from __future__ import annotations

import random

import pytest

from models.platforms.degeneration import BROKEN_TOKENS, SUSPECT_TOKENS, TIMES, Repetition, SymbolRun, repetition


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


@pytest.mark.parametrize(("before", "start"), [("Hm", 2), ("Hm!", 2), ("H!!", 2), ("!", 0)], ids=repr)
def test_one_symbol_is_a_run_however_the_tokens_cut_it(before: str, start: int) -> None:
    rng, run = random.Random(1), SymbolRun()
    run.add(before, start or 1)
    for count in range((start or 1) + 1, start + BROKEN_TOKENS + 1):
        assert run.repetition(100) in (None, Repetition(100 + start, 1, broken=False))
        assert (run.repetition(100) is None) is (count - 1 - start < SUSPECT_TOKENS)
        run.add("!" * rng.randrange(1, 9), count)
    assert run.repetition(100) == Repetition(100 + start, 1, broken=True)
    run.add("! And", start + BROKEN_TOKENS + 1)
    assert run.repetition(100) is None


def test_two_symbols_in_turn_are_no_run() -> None:
    run = SymbolRun()
    for count in range(1, 500):
        run.add("|" + "-" * (count % 7), count)
    assert run.repetition(0) is None


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
