from __future__ import annotations

import pytest

from data.passwords import BcryptHasher

HASHER = BcryptHasher(cost=4)


def test_only_the_right_password_matches() -> None:
    hashed = HASHER.hash("correct horse")
    assert HASHER.matches("correct horse", hashed)
    assert not HASHER.matches("correct hors", hashed)


def test_two_hashes_of_one_password_differ() -> None:
    assert HASHER.hash("correct horse") != HASHER.hash("correct horse")


def test_the_cost_in_production_is_twelve() -> None:
    assert BcryptHasher().hash("correct horse").startswith("$2b$12$")


@pytest.mark.parametrize("password", ["x" * 73, "é" * 40, "", "\ud800", "nul\x00byte"])
def test_a_strange_password_does_not_match_and_does_not_fail(password: str) -> None:
    assert not HASHER.matches(password, HASHER.hash("correct horse"))


@pytest.mark.parametrize("stored", ["", "plain text", "$2b$12$short"])
def test_nothing_matches_what_is_not_a_hash(stored: str) -> None:
    assert not HASHER.matches("correct horse", stored)
