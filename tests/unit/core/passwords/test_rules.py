from __future__ import annotations

import pytest

from core.errors import InvalidInput
from core.passwords.rules import check_password, generate_password, known_passwords


@pytest.mark.parametrize("password", ["ordinary words", "        x", "é1" * 64, "密码密码密码密码", "x" * 127 + "y", "lower only"])
def test_any_eight_to_128_characters_will_do(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize("password", ["", "seven77", "密" * 7, "x" * 128 + "y"])
def test_shorter_and_longer_ones_are_refused(password: str) -> None:
    with pytest.raises(InvalidInput, match="characters"):
        check_password(password)


@pytest.mark.parametrize("password", ["password", "Password1", " 1234567890", "QWERTYUIOP", "zzzzzzzzzz", "glm-portal", "GLMPortal2026!"])
def test_what_attackers_try_first_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput, match="attackers"):
        check_password(password)


def test_the_own_name_is_no_password() -> None:
    with pytest.raises(InvalidInput, match="name"):
        check_password("Ana Costa", "ana.costa", "Ana Costa")
    check_password("Ana Costa", "ben")


def test_the_list_holds_more_than_three_thousand_that_would_pass_otherwise() -> None:
    assert len(known_passwords()) > 3000
    assert all(8 <= len(each) <= 128 and each == each.casefold() for each in known_passwords())


def test_a_generated_password_passes() -> None:
    for _ in range(100):
        check_password(generate_password())
