"""Numbers as a grammar writes them, against arithmetic. GBNF for digits is nearly a regular expression of Python's."""

from __future__ import annotations

import random
import re
from decimal import Decimal

import pytest

from models.schema.schema_numbers import FURTHEST, Nowhere, decimals, multiples

_PARTS = re.compile(r'"[^"]*"|\[[^\]]*\]|\{[^}]*\}|[()|?]|r\d+|\s+')


def expression(grammar: str, rules: dict[str, str]) -> str:
    found = ""
    for part in _PARTS.findall(grammar):
        if part.startswith('"'):
            found += re.escape(part[1:-1])
        elif part in rules:
            found += f"(?:{expression(rules[part], rules)})"
        elif not part.isspace():
            found += "(?:" if part == "(" else part
    return found


@pytest.mark.parametrize("seed", range(20))
def test_decimals_are_those_within_the_bounds(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(60):
        low: Decimal | None = Decimal(rng.randint(-3000, 3000)) / rng.choice([1, 10, 100, 1000])
        high: Decimal | None = (low or 0) + Decimal(rng.randint(0, 500)) / rng.choice([1, 10, 100, 1000])
        low, high = (None if rng.random() < 0.2 else low), (None if rng.random() < 0.2 else high)
        above, below, places = rng.random() < 0.5, rng.random() < 0.5, rng.choice([0, 1, 3, 12])
        try:
            allowed = re.compile(expression(decimals(low, high, above=above, below=below, places=places), {}))
        except Nowhere:
            allowed = re.compile("(?!)")
        for _ in range(40):
            near = rng.choice([one for one in (low, high, Decimal(0), Decimal(1)) if one is not None])
            number = round(near + Decimal(rng.randint(-1200, 1200)) / rng.choice([1, 10, 100, 1000]), min(places, 4))
            text = f"{number:f}"
            text = text.rstrip("0").rstrip(".") if "." in text and rng.random() < 0.7 else text
            if text.startswith("-0") and number == 0:
                continue
            right = low is None or (number > low if above else number >= low)
            right = right and (high is None or (number < high if below else number <= high))
            assert bool(allowed.fullmatch(text)) == right, (low, high, above, below, places, text)


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 10, 12, 15, 25, 50, 60, 97, 100, 500, 1000])
def test_multiples_are_those_within_the_bounds(step: int) -> None:
    rng = random.Random(step)
    for _ in range(8):
        low = rng.randint(-5000, 5000)
        high = low + rng.randint(0, 200_000)
        if rng.random() < 0.2:
            low, high = -FURTHEST, FURTHEST
        rules: dict[str, str] = {}

        def rule(body: str, rules: dict[str, str] = rules) -> str:
            rules[f"r{len(rules)}"] = body
            return f"r{len(rules) - 1}"

        try:
            allowed = re.compile(expression(multiples(low, high, step, rule) or "", rules))
        except Nowhere:
            allowed = re.compile("(?!)")
        for _ in range(60):
            number = rng.randint(max(low - 50, -99_999), min(high + 50, 99_999))
            number = number // step * step if rng.random() < 0.5 else number
            assert bool(allowed.fullmatch(str(number))) == (low <= number <= high and number % step == 0), (low, high, number)
