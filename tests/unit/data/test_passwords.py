from __future__ import annotations

import bcrypt
import pytest

from data.passwords import Argon2Hasher

HASHER = Argon2Hasher(rounds=1, memory_kib=8, bcrypt_cost=4)
OLD = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()


def test_only_the_right_password_matches() -> None:
    hashed = HASHER.hash("correct horse")
    assert HASHER.matches("correct horse", hashed)
    assert not HASHER.matches("correct hors", hashed)


def test_two_hashes_of_one_password_differ() -> None:
    assert HASHER.hash("correct horse") != HASHER.hash("correct horse")


def test_the_costs_in_production_are_those_of_rfc_9106_on_one_thread() -> None:
    assert Argon2Hasher().hash("correct horse").startswith("$argon2id$v=19$m=65536,t=3,p=1$")


def test_nothing_is_cut_off() -> None:
    long = "é" * 64
    hashed = HASHER.hash(long)
    assert HASHER.matches(long, hashed) and not HASHER.matches(long[:-1], hashed) and not HASHER.matches(long + "x", hashed)


def test_a_bcrypt_hash_still_matches_and_is_outdated() -> None:
    assert HASHER.matches("correct horse", OLD) and HASHER.is_outdated(OLD)
    assert not HASHER.matches("correct hors", OLD)


def test_bcrypt_does_not_match_what_only_begins_alike() -> None:
    old = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert HASHER.matches("x" * 72, old) and not HASHER.matches("x" * 73, old)


def test_a_hash_of_other_costs_is_outdated_and_one_of_these_is_not() -> None:
    assert Argon2Hasher(rounds=2, memory_kib=16).is_outdated(HASHER.hash("correct horse"))
    assert not HASHER.is_outdated(HASHER.hash("correct horse"))


@pytest.mark.parametrize("password", ["x" * 5000, "", "\ud800", "nul\x00byte"])
@pytest.mark.parametrize("hashed", [HASHER.hash("correct horse"), OLD])
def test_a_strange_password_does_not_match_and_does_not_fail(password: str, hashed: str) -> None:
    assert not HASHER.matches(password, hashed)
    HASHER.spend(password)


@pytest.mark.parametrize("stored", ["", "plain text", "$2b$12$short", "$argon2id$v=19$m=8,t=1,p=1$short", "é"])
def test_nothing_matches_what_is_not_a_hash(stored: str) -> None:
    assert not HASHER.matches("correct horse", stored) and HASHER.is_outdated(stored)
