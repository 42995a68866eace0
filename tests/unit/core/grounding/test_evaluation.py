from __future__ import annotations

from core.grounding.evaluation import Score, scored
from core.grounding.records import Box

CAR, DOG = Box(0, 0, 100, 100), Box(200, 200, 300, 300)


def test_a_box_is_right_if_it_shares_half_with_a_labelled_one() -> None:
    assert scored([Box(0, 0, 100, 51), Box(0, 0, 100, 49)], [CAR, DOG]) == Score(1, 2, 2, 1)
    assert scored([CAR, DOG], [DOG, CAR]) == Score(2, 2, 2, 1)


def test_a_labelled_box_counts_once() -> None:
    score = scored([CAR, Box(1, 1, 100, 100)], [CAR])
    assert (score.precision, score.recall) == (0.5, 1.0)


def test_the_surest_box_is_matched_first() -> None:
    sure, unsure = Box(0, 0, 100, 90, confidence=0.9), Box(0, 0, 100, 100, confidence=0.1)
    assert scored([unsure, sure], [CAR, Box(0, 0, 100, 101)]).right == 2


def test_nothing_found_and_nothing_labelled_have_no_figure() -> None:
    nothing = scored([], [])
    assert (nothing.precision, nothing.recall) == (None, None)
    assert scored([], [CAR]).recall == 0.0
    total = scored([CAR], [CAR]) + Score(labelled=1, images=1, failed=1)
    assert total == Score(1, 1, 2, 2, 1) and total.recall == 0.5
