from __future__ import annotations

import pytest

from core.review.progress.agreement import FEWEST, agreed, kappa


def test_kappa_of_choices_is_what_the_formula_gives_by_hand() -> None:
    """50 cases: both yes 20, yes and no 5, no and yes 10, both no 15.

    observed = (20 + 15) / 50 = 0.7; rows 0.5, 0.5; columns 0.6, 0.4; chance = 0.5 x 0.6 + 0.5 x 0.4 = 0.5
    kappa = (0.7 - 0.5) / (1 - 0.5) = 0.4, and 1 - kappa = 0.6
    squares = 0.4 (1 - 1.1 x 0.6)^2 + 0.1 (1.1 x 0.6)^2 + 0.2 (0.9 x 0.6)^2 + 0.3 (1 - 0.9 x 0.6)^2
            = 0.04624 + 0.04356 + 0.05832 + 0.06348 = 0.2116
    variance = (0.2116 - (0.4 - 0.5 x 0.6)^2) / (50 x 0.5^2) = 0.2016 / 12.5 = 0.016128; error 0.126996; 1.96 x error = 0.248912
    """
    pairs = {("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15}
    found = kappa(pairs)
    assert found is not None and agreed(pairs) == 35
    assert (found.value, found.low, found.high) == pytest.approx((0.4, 0.151088, 0.648912), abs=1e-6)


def test_weighted_kappa_of_ratings_is_what_the_formula_gives_by_hand() -> None:
    """100 cases rated 1 to 3, weights 1, 0.5, 0: counts 20 10 0 / 5 30 5 / 0 10 20.

    observed = 0.7 + 0.5 x 0.3 = 0.85; rows 0.3, 0.4, 0.3; columns 0.25, 0.5, 0.25
    chance = (0.075 + 0.2 + 0.075) + 0.5 x (0.15 + 0.1 + 0.1 + 0.15) = 0.6; kappa = 0.25 / 0.4 = 0.625, and 1 - kappa = 0.375
    mean weights: rows 0.5, 0.75, 0.5; columns 0.5, 0.7, 0.5
    squares = 2 x 0.2 (1 - 1 x 0.375)^2 + 2 x 0.1 (0.5 - 1.2 x 0.375)^2 + 2 x 0.05 (0.5 - 1.25 x 0.375)^2 + 0.3 (1 - 1.45 x 0.375)^2
            = 0.15625 + 0.0005 + 0.00009765625 + 0.06244921875 = 0.219296875
    variance = (0.219296875 - (0.625 - 0.6 x 0.375)^2) / (100 x 0.4^2) = 0.059296875 / 16; error 0.0608773; 1.96 x error = 0.1193195
    """
    pairs = {("1", "1"): 20, ("1", "2"): 10, ("2", "1"): 5, ("2", "2"): 30, ("2", "3"): 5, ("3", "2"): 10, ("3", "3"): 20}
    found = kappa(pairs, top=3)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.625, 0.5056805, 0.7443195), abs=1e-6)
    unweighted = kappa(pairs)
    assert unweighted is not None and unweighted.value < found.value, "answers one apart count half"


def test_kappa_is_1_for_full_agreement_and_0_for_chance() -> None:
    same = kappa({("a", "a"): 10, ("b", "b"): 10})
    chance = kappa({("a", "a"): 5, ("a", "b"): 5, ("b", "a"): 5, ("b", "b"): 5})
    assert same is not None and (same.value, same.low, same.high) == (1, 1, 1)
    assert chance is not None and chance.value == 0 and chance.low < 0 < chance.high


def test_there_is_no_kappa_of_few_pairs_or_of_one_answer() -> None:
    assert kappa({("a", "a"): FEWEST - 1}) is None
    assert kappa({("a", "a"): 500}) is None
    assert kappa({}) is None
