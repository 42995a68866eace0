"""Estimate strengths from who beat whom, with variances that hold when one person votes often.

The model is that of Bradley and Terry (1952): the first wins with the probability 1 / (1 + exp(second - first)). A tie counts as
half a win for both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PRIOR = 0.1
"""Precision of a normal prior with mean 0 on each strength, so that nobody who won every vote is infinitely strong."""
MAX_SHARE = 0.2
"""The largest share of all weight that one person's votes have together, if at least five people voted."""
_STEPS, _ENOUGH = 60, 1e-10

Matrix = list[list[float]]


@dataclass(frozen=True, slots=True)
class Duel:
    """The votes of one person on one pair. won: wins of the first, with half of the ties, of n votes."""

    person: str
    first: int
    second: int
    won: float
    n: int


@dataclass(frozen=True, slots=True)
class Fit:
    """Strengths, and two estimates of their covariance: that of the model, and one that is clustered by person.

    Votes say nothing about the level of all strengths together. The mean over all votes is 0, so that a newcomer with one vote
    does not make everybody else uncertain.
    """

    strengths: tuple[float, ...]
    covariances: tuple[Matrix, ...]
    shares: tuple[float, ...]
    """The part of each contender in all votes, by which the mean is 0."""

    def variance(self, index: int) -> float:
        """Return the larger estimate of the variance of a strength's distance from the mean."""
        found = 0.0
        for each in self.covariances:
            to_mean = [sum(share * value for share, value in zip(self.shares, row, strict=True)) for row in each]
            of_mean = sum(share * value for share, value in zip(self.shares, to_mean, strict=True))
            found = max(found, each[index][index] - 2 * to_mean[index] + of_mean)
        return found

    def variance_of_difference(self, first: int, second: int) -> float:
        """Return the larger estimate of the variance of a difference of two strengths."""
        return max(each[first][first] + each[second][second] - 2 * each[first][second] for each in self.covariances)


def person_weights(votes: Mapping[str, int], most: float = MAX_SHARE) -> dict[str, float]:
    """Return the weight of each person's votes, with at most this share of all for one person.

    With too few people for that, all people weigh the same.
    """
    if not votes:
        return {}
    if len(votes) * most <= 1:
        cap = float(min(votes.values()))
    else:
        cap = float(max(votes.values()))
        while (lower := most * sum(min(n, cap) for n in votes.values())) < cap * (1 - 1e-9):
            cap = lower
    return {person: min(1.0, cap / n) for person, n in votes.items()}


def fit(size: int, duels: Sequence[Duel], prior: float = PRIOR) -> Fit:
    """Return the strengths of `size` contenders, by Newton's method.

    The variances are the larger of the inverse information and of the sandwich estimator of Huber (1967) and White (1982), whose scores
    are added up by person (Liang and Zeger 1986).
    """
    votes: dict[str, int] = {}
    for duel in duels:
        votes[duel.person] = votes.get(duel.person, 0) + duel.n
    weights = person_weights(votes)
    pairs: dict[tuple[int, int], list[float]] = {}
    for duel in duels:
        found = pairs.setdefault((duel.first, duel.second), [0.0, 0.0])
        found[0] += weights[duel.person] * duel.won
        found[1] += weights[duel.person] * duel.n
    strengths = [0.0] * size
    information = _information(strengths, pairs, prior)
    for _ in range(_STEPS):
        slope = [-prior * each for each in strengths]
        for (first, second), (won, n) in pairs.items():
            surplus = won - n * _wins(strengths[first] - strengths[second])
            slope[first] += surplus
            slope[second] -= surplus
        step = [sum(row[i] * slope[i] for i in range(size)) for row in _inverse(information)]
        longest = max((abs(each) for each in step), default=0.0)
        shorter = min(1.0, 2.0 / longest) if longest else 1.0  # A long step overshoots where a contender won nearly everything.
        strengths = [each + shorter * change for each, change in zip(strengths, step, strict=True)]
        information = _information(strengths, pairs, prior)
        if longest < _ENOUGH:
            break
    inverse = _inverse(information)
    covariances = [inverse]
    if len(votes) > 1:
        middle = _between_people(strengths, duels, weights, size)
        for index in range(size):
            middle[index][index] += prior
        covariances.append(_product(_product(inverse, middle), inverse))
    taken = [0.0] * size
    for (first, second), (_won, n) in pairs.items():
        taken[first] += n
        taken[second] += n
    shares = tuple(each / sum(taken) for each in taken) if pairs else (1 / size,) * size if size else ()
    mean = sum(share * each for share, each in zip(shares, strengths, strict=True))
    return Fit(tuple(each - mean for each in strengths), tuple(covariances), shares)


def _wins(difference: float) -> float:
    if difference < 0:
        return 1 - _wins(-difference)
    return 1 / (1 + math.exp(-difference))


def _information(strengths: Sequence[float], pairs: Mapping[tuple[int, int], Sequence[float]], prior: float) -> Matrix:
    found = [[prior if row == column else 0.0 for column in range(len(strengths))] for row in range(len(strengths))]
    for (first, second), (_won, n) in pairs.items():
        p = _wins(strengths[first] - strengths[second])
        _add_pair(found, first, second, n * p * (1 - p))
    return found


def _add_pair(matrix: Matrix, first: int, second: int, value: float) -> None:
    matrix[first][first] += value
    matrix[second][second] += value
    matrix[first][second] -= value
    matrix[second][first] -= value


def _between_people(strengths: Sequence[float], duels: Iterable[Duel], weights: Mapping[str, float], size: int) -> Matrix:
    scores: dict[str, dict[int, float]] = {}
    for duel in duels:
        surplus = weights[duel.person] * (duel.won - duel.n * _wins(strengths[duel.first] - strengths[duel.second]))
        mine = scores.setdefault(duel.person, {})
        mine[duel.first] = mine.get(duel.first, 0.0) + surplus
        mine[duel.second] = mine.get(duel.second, 0.0) - surplus
    found = [[0.0] * size for _ in range(size)]
    for mine in scores.values():
        for row, left in mine.items():
            for column, right in mine.items():
                found[row][column] += left * right
    few = len(scores) / (len(scores) - 1)
    return [[few * value for value in row] for row in found]


def _product(left: Matrix, right: Matrix) -> Matrix:
    columns = list(zip(*right, strict=True))
    return [[sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in left]


def _inverse(matrix: Matrix) -> Matrix:
    """Invert a positive definite matrix, by Gauss and Jordan."""
    size = len(matrix)
    rows = [[*row, *(1.0 if index == column else 0.0 for column in range(size))] for index, row in enumerate(matrix)]
    for column in range(size):
        pivot = rows[column][column]
        rows[column] = [value / pivot for value in rows[column]]
        for index in range(size):
            if index != column and (factor := rows[index][column]):
                rows[index] = [value - factor * other for value, other in zip(rows[index], rows[column], strict=True)]
    return [row[size:] for row in rows]
