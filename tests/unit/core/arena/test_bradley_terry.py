"""Strengths from votes: against a known solution, by simulation, and when one person votes much."""

from __future__ import annotations

import math
import random
from itertools import product

import pytest

from core.arena.bradley_terry import Duel, fit, person_weights


def likelihood(strengths: tuple[float, ...], duels: list[Duel]) -> float:
    total = 0.0
    for duel in duels:
        p = 1 / (1 + math.exp(strengths[duel.second] - strengths[duel.first]))
        total += duel.won * math.log(p) + (duel.n - duel.won) * math.log(1 - p)
    return total


def test_two_contenders_have_the_odds_of_their_votes() -> None:
    found = fit(2, [Duel(f"p{n}", 0, 1, 3, 4) for n in range(10)], prior=1e-9)
    assert found.strengths[0] - found.strengths[1] == pytest.approx(math.log(3), abs=1e-6)
    assert found.variance_of_difference(0, 1) == pytest.approx(1 / (40 * 0.75 * 0.25), rel=1e-4)


def test_three_contenders_are_where_a_search_of_all_strengths_finds_the_highest_likelihood() -> None:
    duels = [Duel("a", 0, 1, 7, 10), Duel("b", 1, 2, 6.5, 10), Duel("c", 0, 2, 9, 10), Duel("d", 0, 1, 5, 10), Duel("e", 1, 2, 4, 10)]
    found = fit(3, duels, prior=1e-6).strengths
    steps = [n / 50 for n in range(-100, 101)]
    best = max(((0.0, b, c) for b, c in product(steps, steps)), key=lambda each: likelihood(each, duels))
    assert found[1] - found[0] == pytest.approx(best[1], abs=0.011)
    assert found[2] - found[0] == pytest.approx(best[2], abs=0.011)
    assert sum(votes * each for votes, each in zip((30, 40, 30), found, strict=True)) == pytest.approx(0, abs=1e-9)


def test_a_tie_counts_half_for_both() -> None:
    tied = fit(2, [Duel("a", 0, 1, 5, 10)])
    assert tied.strengths == pytest.approx((0, 0))


def test_who_won_every_vote_is_strong_but_not_infinitely() -> None:
    found = fit(2, [Duel("a", 0, 1, 50, 50), Duel("b", 0, 1, 50, 50)])
    assert 2 < found.strengths[0] < 10


def test_who_was_never_asked_has_a_wide_interval() -> None:
    found = fit(3, [Duel(f"p{n}", 0, 1, 1, 2) for n in range(50)])
    assert found.variance(2) > 100 * found.variance(0)


def test_votes_of_one_person_are_worth_less_than_those_of_many() -> None:
    chance = random.Random(4)
    many = [Duel(f"p{n}", 0, 1, float(chance.random() < 0.6), 1) for n in range(200)]
    few = [Duel(f"p{n % 10}", 0, 1, 20.0 * (n < 6), 20) for n in range(10)]
    assert fit(2, few).variance_of_difference(0, 1) > 5 * fit(2, many).variance_of_difference(0, 1)


def test_nobody_weighs_more_than_a_fifth() -> None:
    votes = {"eager": 1000, **{f"p{n}": 5 for n in range(9)}}
    weights = person_weights(votes)
    heavy = {person: weights[person] * n for person, n in votes.items()}
    assert max(heavy.values()) <= 0.2 * sum(heavy.values()) * (1 + 1e-6)
    assert weights["p1"] == 1
    assert person_weights({"a": 10, "b": 2, "c": 4}) == {"a": 0.2, "b": 1, "c": 0.5}
    assert person_weights({}) == {}


def test_one_person_cannot_turn_what_ten_others_say() -> None:
    others = [Duel(f"p{n}", 0, 1, 4, 5) for n in range(10)]
    found = fit(2, [*others, Duel("eager", 0, 1, 0, 10_000)])
    assert found.strengths[0] > found.strengths[1]


def test_intervals_hold_the_true_difference_in_95_of_100_cases() -> None:
    """Simulated with people who differ in taste, so that their votes are not independent."""
    chance, runs = random.Random(7), 300
    found_of: list[tuple[float, float]] = []
    true = (0.5, 0.0, -0.5)
    for _ in range(runs):
        duels = []
        for person in range(40):
            taste = [chance.gauss(0, 0.5) for _ in true]
            for a, b in ((0, 1), (1, 2), (0, 2)):
                p = 1 / (1 + math.exp(true[b] + taste[b] - true[a] - taste[a]))
                duels.append(Duel(str(person), a, b, float(sum(chance.random() < p for _ in range(4))), 4))
        found = fit(3, duels)
        found_of.append((found.strengths[0] - found.strengths[2], 1.96 * math.sqrt(found.variance_of_difference(0, 2))))
    # Tastes that differ draw shares towards one half, so the truth is the mean of all runs rather than a difference of `true`.
    truth = sum(difference for difference, _ in found_of) / runs
    assert 0.92 <= sum(abs(difference - truth) < half for difference, half in found_of) / runs <= 0.98
