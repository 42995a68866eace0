from __future__ import annotations

import random

import pytest

from models.engine.stats.histogram import Histogram


def test_a_value_on_a_bound_counts_below_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (1.0, 1.5, 2.0, 2.5):
        histogram.add(value)
    spread = histogram.spread
    assert (spread.bounds, spread.counts, spread.total) == ((1.0, 2.0), (1, 3, 4), 7.0)


@pytest.mark.parametrize("seed", range(20))
def test_many_values_at_once_count_as_one_by_one(seed: int) -> None:
    rng = random.Random(seed)
    bounds = tuple(sorted(rng.sample(range(20), rng.randrange(1, 6))))
    values = [float(rng.randrange(-2, 24)) for _ in range(rng.randrange(60))]
    together, apart = Histogram(bounds), Histogram(bounds)
    together.add_sorted(sorted(values))
    for value in values:
        apart.add(value)
    assert together.spread == apart.spread
    assert apart.spread.counts == (*(sum(value <= bound for value in values) for bound in bounds), len(values))
