"""The leaderboard: ranks, the matrix, the verdict, and which pair is asked next."""

from __future__ import annotations

import random

import pytest

from core.arena.records import Contender, VoteCount
from core.arena.standings import next_pair, standings

A, B, C, D = (Contender(name) for name in ("a", "b", "c", "d"))


def votes(first: Contender, second: Contender, first_wins: int, second_wins: int, ties: int = 0, people: int = 10) -> list[VoteCount]:
    """Return these votes of each of so many people."""
    return [
        VoteCount(user_id=f"p{n}", first=first, second=second, first_wins=first_wins, second_wins=second_wins, ties=ties)
        for n in range(people)
    ]


def test_ranks_are_shared_where_intervals_overlap() -> None:
    counts = [*votes(A, B, 5, 5), *votes(A, C, 9, 1), *votes(B, C, 9, 1)]
    found = standings(counts)
    assert [each.rank for each in found.rows] == [1, 1, 3] and found.rows[2].contender == C
    assert found.votes == 300 and found.people == 10
    assert found.won[0][2] == 0.9 and found.won[2][0] == pytest.approx(0.1) and found.won[0][0] is None
    assert all(each.low < each.score < each.high for each in found.rows)
    assert str(found.verdict[0]) == "a leads, but its interval overlaps with that of b."


def test_a_clear_winner_leads() -> None:
    assert [str(each) for each in standings(votes(A, B, 9, 1, people=40)).verdict] == ["a leads."]


def test_the_verdict_says_how_many_votes_would_decide() -> None:
    found = standings(votes(A, B, 6, 5, people=12))
    assert str(found.verdict[1]).endswith("more votes on the two would tell them apart if the trend holds.")


def test_few_votes_give_no_rank() -> None:
    found = standings(votes(A, B, 1, 0, people=3))
    assert [each.rank for each in found.rows] == [None, None]
    assert str(found.verdict[0]) == "There are too few votes for a ranking."
    assert standings([]).rows == ()


def test_ties_count_half_in_shares() -> None:
    assert standings(votes(A, B, 1, 0, ties=1)).rows[0].won == 0.75


def test_the_least_certain_pair_is_asked_first() -> None:
    counts = [*votes(A, B, 5, 5), *votes(A, C, 9, 1), *votes(B, C, 9, 1)]
    chance = random.Random(1)
    assert {frozenset(next_pair(counts, [A, B, C], chance)) for _ in range(20)} == {frozenset((A, B))}
    assert {frozenset(next_pair(counts, [A, C], chance))} == {frozenset((A, C))}


def test_of_equals_the_pair_with_the_fewest_votes_comes_first_and_sides_are_random() -> None:
    counts = [*votes(A, B, 1, 1), *votes(A, C, 1, 1)]
    chance = random.Random(2)
    assert {next_pair(counts, [A, B, C], chance) for _ in range(40)} == {(B, C), (C, B)}
