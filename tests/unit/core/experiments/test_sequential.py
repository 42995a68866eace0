"""Intervals that hold at every look, by simulation; the planned size; the check of the split."""

from __future__ import annotations

import math
import random

import pytest

from core.experiments.sequential import MIN_PEOPLE, half_width, planned_size, ratio, split_p

LOOKS, RUNS = range(MIN_PEOPLE, 121, 5), 300


def crossings(lift: float, seed: int) -> tuple[float, float]:
    """Return how often an experiment finds a difference at any of its looks, and how often a fixed 95 % interval would have.

    People differ in how often they rate good, and rate 1 to 6 answers.
    """
    chance = random.Random(seed)
    always = fixed = 0
    for _ in range(RUNS):
        sides: list[list[tuple[float, float]]] = [[], []]
        found = naive = False
        for people in LOOKS:
            for side, add in zip(sides, (0.0, lift), strict=True):
                while len(side) < people:
                    n, p = chance.randint(1, 6), min(1.0, max(0.0, chance.gauss(0.7, 0.15) + add))
                    side.append((float(sum(chance.random() < p for _ in range(n))), float(n)))
            a, b = (ratio(side) for side in sides)
            assert a is not None and b is not None
            variance = a.variance + b.variance
            found = found or abs(b.value - a.value) > half_width(variance, 0.05)
            naive = naive or abs(b.value - a.value) > 1.96 * math.sqrt(variance)
        always += found
        fixed += naive
    return always / RUNS, fixed / RUNS


def test_looking_often_finds_no_difference_where_there_is_none() -> None:
    """A fixed interval that is looked at as often is wrong several times as often as it says."""
    always, fixed = crossings(0.0, seed=5)
    assert always <= 0.05 < 0.1 < fixed


def test_a_large_difference_is_found() -> None:
    assert crossings(0.2, seed=6)[0] > 0.9


def test_a_ratio_is_that_of_the_sums_and_its_variance_that_of_people() -> None:
    found = ratio([(1, 2), (2, 2), (0, 1), (0, 0)])
    assert found is not None and found.value == 0.6 and found.people == 3
    # Residuals -0.2, 0.8 and -0.6; the sum of squares is 1.04, times 3/2, over 25.
    assert found.variance == pytest.approx(1.04 * 1.5 / 25)
    assert ratio([(0, 0)]) is None and ratio([]) is None
    one = ratio([(1, 2)])
    assert one is not None and half_width(one.variance, 0.05) == math.inf


def test_the_interval_shrinks_with_the_variance_and_is_wider_than_a_fixed_one() -> None:
    wide, narrow = half_width(0.01, 0.05), half_width(0.0001, 0.05)
    assert wide > narrow > 1.96 * 0.01 and half_width(0.0, 0.05) == 0


def test_the_planned_size_finds_the_effect_in_four_of_five_experiments() -> None:
    n = planned_size(0.8 * 0.2, 0.05)
    assert 1_500 < n < 4_000  # A fixed test needs 1,005.
    chance, found = random.Random(8), 0
    for _ in range(400):
        spread = math.sqrt(2 * 0.16 / n)
        found += abs(chance.gauss(0.05, spread)) > half_width(spread**2, 0.05)
    assert 0.74 < found / 400 < 0.87
    assert planned_size(0.16, 0.025) > 3 * n


def test_an_uneven_split_is_told_from_chance() -> None:
    assert split_p(500, 500, 0.5) == 1.0
    assert split_p(520, 480, 0.5) > 0.1
    assert split_p(600, 400, 0.5) < 1e-8
    assert split_p(900, 100, 0.1) == 1.0
    assert split_p(0, 0, 0.5) == 1.0
