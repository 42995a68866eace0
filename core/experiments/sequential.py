"""Compute intervals that hold however often one looks, the size of an experiment, and whether the split is as planned.

The interval is that of the mixture sequential probability ratio test with a normal mixture (Robbins 1970; Johari, Koomen, Pekelis and
Walsh, "Always Valid Inference", Operations Research 70(3), 2022): it contains the truth at all looks together in 95 of 100 experiments.
People are independent, the answers of one person are not. Each mean is therefore a ratio of sums over people, whose variance is that of
the linearized ratio (the delta method; Deng, Knoblich and Lu, KDD 2018).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.experiments.records import ALPHA

MIN_PEOPLE = 10
"""The fewest people of each variant for an interval: with fewer, the variance is not known well enough."""
POWER_Z = 0.841621
"""The 80th percentile of the normal distribution, for a power of 80 %."""
MOST = 10_000_000
SPLIT_P = 0.001
"""Below this probability, the split is not as planned (Fabijan and others, KDD 2019)."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A ratio of sums over people, with the variance of the ratio."""

    value: float
    variance: float
    people: int


def ratio(people: Sequence[tuple[float, float]]) -> Mean | None:
    """Return the ratio of the sums of (numerator, denominator), one for each person; None without any denominator."""
    counted = [(top, below) for top, below in people if below]
    below = sum(each for _, each in counted)
    if not below:
        return None
    value, n = sum(top for top, _ in counted) / below, len(counted)
    if n < 2:
        return Mean(value, math.inf, n)
    residuals = sum((top - value * each) ** 2 for top, each in counted)
    return Mean(value, residuals * n / (n - 1) / below**2, n)


def half_width(variance: float, scale: float, alpha: float = ALPHA) -> float:
    """Return half the width of the interval. scale: the standard deviation of the mixture, about the effect that is looked for."""
    if not math.isfinite(variance):
        return math.inf
    mixed = variance + scale * scale
    return math.sqrt(2 * variance * mixed / (scale * scale) * (math.log(1 / alpha) + math.log(mixed / variance) / 2)) if variance else 0.0


def planned_size(variance: float, effect: float, alpha: float = ALPHA) -> int:
    """Return the observations of each variant with which an effect is found in 80 of 100 experiments.

    variance: of one observation. It is the size at which a single look would find it, so earlier looks may find it sooner.
    """
    low, high = 2, MOST
    while low < high:
        n = (low + high) // 2
        spread = 2 * variance / n
        if half_width(spread, effect, alpha) + POWER_Z * math.sqrt(spread) <= effect:
            high = n
        else:
            low = n + 1
    return low


def split_p(a: int, b: int, share_b: float) -> float:
    """Return the probability of a split this uneven by chance (chi-squared with one degree of freedom). share_b: as planned, 0 to 1."""
    n = a + b
    if not n:
        return 1.0
    expected = n * share_b
    squares = (b - expected) ** 2 / expected + (a - (n - expected)) ** 2 / (n - expected)
    return math.erfc(math.sqrt(squares / 2))
