"""Make the leaderboard of counted votes: scores with intervals, shared ranks, the matrix, the verdict and the next pair."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.arena.bradley_terry import Duel, Fit, fit
from core.arena.records import Contender, VoteCount
from core.errors import StoredError

MEAN, PER_STRENGTH = 1000.0, 400 / math.log(10)
"""Scores are on Elo's scale: 400 points are odds of ten to one, and 1,000 is the mean of all votes."""
MIN_VOTES = 10
"""Below so many votes, a contender has no rank."""
_Z = 1.959964
"""The 97.5th percentile of the normal distribution, for 95 % intervals."""
_MANY = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One contender of the leaderboard. low and high: the 95 % interval of the score."""

    contender: Contender
    score: float
    low: float
    high: float
    votes: int
    won: float
    """Share of its votes that it won; ties count half."""
    rank: int | None
    """One more than the number of contenders whose interval lies above its own; None with too few votes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """The leaderboard, best first."""

    rows: tuple[Standing, ...] = ()
    won: tuple[tuple[float | None, ...], ...] = ()
    """Share of the votes that each row won against each, in the order of the rows; ties count half. None without votes on the pair."""
    votes: int = 0
    people: int = 0
    verdict: tuple[StoredError, ...] = ()
    """The result in sentences, the first of which says who leads."""


def standings(counts: Sequence[VoteCount]) -> Standings:
    """Return the leaderboard of these votes."""
    contenders, found, duels = _fitted(counts)
    votes = [0] * len(contenders)
    wins = [0.0] * len(contenders)
    pairs: dict[tuple[int, int], list[float]] = {}
    for duel in duels:
        pair = pairs.setdefault((duel.first, duel.second), [0.0, 0.0])
        pair[0] += duel.won
        pair[1] += duel.n
        votes[duel.first] += duel.n
        votes[duel.second] += duel.n
        wins[duel.first] += duel.won
        wins[duel.second] += duel.n - duel.won
    half = [_Z * math.sqrt(found.variance(index)) for index in range(len(contenders))]
    known = [index for index in range(len(contenders)) if votes[index] >= MIN_VOTES]
    rows = [
        Standing(
            contender=contender, score=_score(found.strengths[index]), low=_score(found.strengths[index] - half[index]),
            high=_score(found.strengths[index] + half[index]), votes=votes[index], won=wins[index] / votes[index],
            rank=None if index not in known else 1 + sum(
                found.strengths[other] - half[other] > found.strengths[index] + half[index] for other in known
            ),
        )
        for index, contender in enumerate(contenders)
    ]  # fmt: skip
    order = sorted(range(len(rows)), key=lambda index: (rows[index].rank is None, -rows[index].score, contenders[index]))
    won = {pair: share / n for pair, (share, n) in pairs.items()}
    won |= {(b, a): 1 - share for (a, b), share in won.items()}
    return Standings(
        rows=tuple(rows[index] for index in order),
        won=tuple(tuple(won.get((row, column)) for column in order) for row in order),
        votes=sum(each.votes for each in counts),
        people=len({each.user_id for each in counts}),
        verdict=_verdict([index for index in order if index in known], contenders, found, half, pairs),
    )


def next_pair(counts: Sequence[VoteCount], contenders: Sequence[Contender], chance: random.Random) -> tuple[Contender, Contender]:
    """Return the two contenders whose order is the least certain, in random order.

    That is the pair with the smallest difference relative to its standard error; of equals, the one with the fewest votes.
    """
    known, found, duels = _fitted(counts, contenders)
    index = {contender: number for number, contender in enumerate(known)}
    votes: dict[tuple[int, int], int] = {}
    for duel in duels:
        votes[duel.first, duel.second] = votes.get((duel.first, duel.second), 0) + duel.n

    def certainty(pair: tuple[Contender, Contender]) -> tuple[float, int, float]:
        a, b = sorted(index[each] for each in pair)
        difference = abs(found.strengths[a] - found.strengths[b]) / math.sqrt(found.variance_of_difference(a, b))
        return round(difference, 3), votes.get((a, b), 0), chance.random()

    pairs = [(a, b) for number, a in enumerate(contenders) for b in contenders[number + 1 :]]
    first, second = min(pairs, key=certainty)
    return (first, second) if chance.random() < 0.5 else (second, first)


def _fitted(counts: Sequence[VoteCount], further: Sequence[Contender] = ()) -> tuple[list[Contender], Fit, list[Duel]]:
    contenders = sorted({*further, *(each for count in counts for each in (count.first, count.second))})
    index = {contender: number for number, contender in enumerate(contenders)}
    duels = [
        Duel(person=each.user_id, first=index[each.first], second=index[each.second], won=each.first_wins + each.ties / 2, n=each.votes)
        for each in counts
    ]
    return contenders, fit(len(contenders), duels), duels


def _score(strength: float) -> float:
    return MEAN + PER_STRENGTH * strength


def _verdict(
    order: Sequence[int], contenders: Sequence[Contender], found: Fit, half: Sequence[float],
    pairs: Mapping[tuple[int, int], Sequence[float]],
) -> tuple[StoredError, ...]:  # fmt: skip
    if len(order) < 2:
        return (StoredError("There are too few votes for a ranking."), StoredError("Two need at least {n} votes each.", {"n": MIN_VOTES}))
    first, second = order[:2]
    names = {"first": contenders[first].label, "second": contenders[second].label}
    difference = found.strengths[first] - found.strengths[second]
    if found.strengths[first] - half[first] > found.strengths[second] + half[second]:
        return (StoredError("{first} leads.", names),)
    within = StoredError("{first} leads, but its interval overlaps with that of {second}.", names)
    n = pairs.get((min(first, second), max(first, second)), (0.0, 0.0))[1]
    # The standard error shrinks with the square root of the votes; the intervals part when both halves fit into the difference.
    more = n * (((half[first] + half[second]) / difference) ** 2 - 1) if n and difference > 0 else math.inf
    if more > _MANY:
        return within, StoredError("Nothing tells them apart so far.")
    votes = math.ceil(more / 10) * 10
    return within, StoredError("About {n} more votes on the two would tell them apart if the trend holds.", {"n": votes})
