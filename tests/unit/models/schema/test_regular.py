"""Automata against Python's own regular expressions, on random texts of few characters."""

from __future__ import annotations

import random
import re

import pytest

from models.schema.schema_strings import Text

PATTERNS = [
    "^[a-z]+$", "a|^b$", "^(ab|a)*b?$", "^(?=.*[A-Z])(?=.*1).{2,5}$", "^(?!ab)[ab]+$", "b{2,3}", "^a?b*?c+$", r"^\d{1,3}(-\d{2})?$",
    "^[^a]$",
    r"^\w+\.\w+$", r"[\w.-]b", "^$", "", "^(a|b|)$", "^(?:a(?:b(?:c)?)?)?$", r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$", "(^|,)a(,|$)", "^^a$",
    "^a{2}$",
    r"^\x61\u0062$", r"^[\]a-]$", "^a{,2}$", "^(?P<year>1+)$", "(?=a)b|c", r"^\S+@\S+$", "^(a+b?)+$", "^.{3}$",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_an_automaton_finds_what_python_finds(pattern: str) -> None:
    automaton = Text(patterns=(pattern,)).automaton()
    assert automaton is not None
    expected = re.compile(pattern.replace("a{,2}", r"a\{,2\}"))  # for ECMAScript these are characters
    rng = random.Random(pattern)
    texts = ["", *("".join(rng.choice("aabbc1AB-.+,@{}2") for _ in range(rng.randrange(1, 9))) for _ in range(1_500))]
    for text in [*texts, "1.2.3", "a{,2}", "12-34", "abc", "111"]:
        assert automaton.matches(text) == bool(expected.search(text)), text


def test_conditions_hold_together() -> None:
    wanted = Text(patterns=("^[a-z]+$", "b"), least=2, most=3, never=("abc",), never_like=("^z",), without=("xx",))
    automaton = wanted.automaton()
    assert automaton is not None
    assert [text for text in ("b", "ab", "abc", "zb", "xxb", "aab", "aabb", "aac") if automaton.matches(text)] == ["ab", "aab"]
    assert automaton.shortest == 2


def test_what_nothing_fits_has_no_automaton() -> None:
    wanted = Text(patterns=("^a$", "^b$"))
    assert (wanted.automaton(), wanted.problem()) == (None, None)
