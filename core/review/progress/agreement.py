"""Measure how far two reviewers agree, beyond chance: Cohen's kappa.

Sources: Cohen 1960 and 1968; Fleiss, Cohen and Everitt 1969, "Large sample standard errors of kappa and weighted kappa".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from math import sqrt

from core.review.progress.records import Kappa

FEWEST = 20
"""Least pairs of answers for a kappa: with fewer, its interval would cover nearly everything."""
Z = 1.96


def agreed(pairs: Mapping[tuple[str, str], int]) -> int:
    """Return how many pairs of answers are equal. pairs: counts by the first and the second reviewer's answer."""
    return sum(n for (first, second), n in pairs.items() if first == second)


def kappa(pairs: Mapping[tuple[str, str], int], top: int = 0) -> Kappa | None:
    """Return Cohen's kappa, or None for fewer than FEWEST pairs, or if both always answer the same.

    top: of a rating from 1 to top, whose answers one apart disagree less (linear weights); 0 for choices, which agree or do not.
    """
    n = sum(pairs.values())
    if n < FEWEST:
        return None
    rows: defaultdict[str, float] = defaultdict(float)
    columns: defaultdict[str, float] = defaultdict(float)
    for (first, second), many in pairs.items():
        rows[first] += many / n
        columns[second] += many / n
    observed = sum(_weight(first, second, top) * many / n for (first, second), many in pairs.items())
    chance = sum(_weight(row, column, top) * p * q for row, p in rows.items() for column, q in columns.items())
    if 1 - chance < 1e-9:
        return None
    value = (observed - chance) / (1 - chance)
    of_row = {row: sum(_weight(row, column, top) * q for column, q in columns.items()) for row in rows}
    of_column = {column: sum(_weight(row, column, top) * p for row, p in rows.items()) for column in columns}
    squares = sum(
        many / n * (_weight(first, second, top) - (of_row[first] + of_column[second]) * (1 - value)) ** 2
        for (first, second), many in pairs.items()
    )
    variance = (squares - (value - chance * (1 - value)) ** 2) / (n * (1 - chance) ** 2)
    margin = Z * sqrt(max(0.0, variance))
    return Kappa(value=value, low=max(-1.0, value - margin), high=min(1.0, value + margin))


def _weight(first: str, second: str, top: int) -> float:
    """Return 1 for equal answers, 0 for the most different ones."""
    if top < 2:
        return float(first == second)
    return 1 - abs(int(first) - int(second)) / (top - 1)
