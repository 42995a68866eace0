"""Precision and recall at IoU 0.5, with boxes of known overlap."""

from __future__ import annotations

from core.grounding.boxes import overlap
from core.grounding.evaluation.records import Score
from core.grounding.evaluation.scores import score
from core.grounding.records import Box


def box(left: float, right: float, confidence: float | None = None) -> Box:
    return Box(left, 0, right, 100, confidence=confidence)


THERE = box(0, 100)


def test_a_box_is_right_from_half_of_the_union_on() -> None:
    half, less = box(0, 50), box(0, 49.9)
    assert overlap(half, THERE) == 0.5 and overlap(less, THERE) < 0.5
    assert score([half], [THERE]) == Score(right=1)
    assert score([less], [THERE]) == Score(wrong=1, missed=1)


def test_a_thing_is_found_once() -> None:
    assert score([box(0, 100), box(0, 99)], [THERE]) == Score(right=1, wrong=1)
    assert score([box(0, 100)], [THERE, box(0, 99)]) == Score(right=1, missed=1)


def test_the_surest_box_chooses_first_and_the_nearest_one() -> None:
    near, far = box(0, 100), box(35, 135)
    # The unsure box fits both, best the near one; the sure box fits only that. In the order of the answer it would be gone.
    unsure, sure = (10, 110), (0, 100)
    assert score([box(*unsure, 0.2), box(*sure, 0.9)], [near, far]) == Score(right=2)
    assert score([box(*unsure, 0.9), box(*sure, 0.2)], [near, far]) == Score(right=1, wrong=1, missed=1)
    assert score([box(*sure), box(*unsure)], [near, far]) == Score(right=2), "without confidence, in the order of the answer"


def test_what_is_not_there_must_not_be_found() -> None:
    assert score([], []) == Score()
    assert score([THERE], []) == Score(wrong=1)
    assert score([], [THERE]) == Score(missed=1)


def test_shares_are_of_what_was_found_and_of_what_is_there() -> None:
    total = Score(right=6, wrong=2, missed=4) + Score(missed=2)
    assert (total.precision, total.recall) == (0.75, 0.5)
    assert (Score(missed=3).precision, Score(missed=3).recall) == (None, 0.0), "nothing found"
    assert (Score(wrong=3).precision, Score(wrong=3).recall) == (0.0, None), "nothing there"
