"""Compare figures with those of the period before, and give shares their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

_Z = 1.959964
"""The 97.5th percentile of the normal distribution, for 95 % intervals."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and that of the period before; None where nothing was measured."""

    now: float | None
    before: float | None

    @property
    def change(self) -> float | None:
        """Return the relative change; None without a figure before, or if that was 0."""
        return None if self.now is None or not self.before else self.now / self.before - 1

    @property
    def difference(self) -> float | None:
        return None if self.now is None or self.before is None else self.now - self.before


@dataclass(frozen=True, slots=True)
class Share:
    """A share of counted things."""

    good: int
    of: int

    @property
    def value(self) -> float | None:
        return self.good / self.of if self.of else None

    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % Wilson score interval (Wilson 1927)."""
        if not self.of:
            return None
        n, p = self.of, self.good / self.of
        middle = (p + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
        half = _Z / (1 + _Z * _Z / n) * math.sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


def difference_interval(now: Share, before: Share) -> tuple[float, float] | None:
    """Return the 95 % interval of the difference of two shares (Newcombe 1998, method 10)."""
    inner, outer = now.interval(), before.interval()
    if inner is None or outer is None or now.value is None or before.value is None:
        return None
    p, q = now.value, before.value
    low = math.sqrt((p - inner[0]) ** 2 + (outer[1] - q) ** 2)
    high = math.sqrt((inner[1] - p) ** 2 + (q - outer[0]) ** 2)
    return p - q - low, p - q + high
