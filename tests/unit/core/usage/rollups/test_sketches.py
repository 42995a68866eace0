from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.usage.rollups.sketches import ERROR, LEAST, Sketch, value_of
from data.repositories.usage.sketches import merged

VALUES = some.lists(some.floats(0, 100_000, allow_nan=False), min_size=1, max_size=200)
SHARES = some.sampled_from([0.01, 0.5, 0.9, 0.95, 0.99, 1.0])


def nearest_rank(values: list[float], share: float) -> float:
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


def is_close(estimate: float | None, value: float) -> bool:
    assert estimate is not None
    return estimate == 0 if value <= LEAST else abs(estimate / value - 1) <= ERROR + 1e-9


@given(VALUES, SHARES)
def test_a_quantile_lies_within_the_stated_error(values: list[float], share: float) -> None:
    assert is_close(Sketch.of(values).quantile(share), nearest_rank(values, share))


@given(some.lists(VALUES, min_size=1, max_size=5), SHARES)
def test_merged_sketches_are_the_sketch_of_all_values(parts: list[list[float]], share: float) -> None:
    together = merged([Sketch.of(part).packed() for part in parts])
    every = [value for part in parts for value in part]
    assert together.counts == Counter(Sketch.of(every).counts) and together.n == len(every)
    assert is_close(together.quantile(share), nearest_rank(every, share))
    assert Sketch.merged(Sketch.of(part).packed() for part in parts).counts == together.counts


@given(VALUES)
def test_a_packed_sketch_comes_back(values: list[float]) -> None:
    assert Sketch.unpacked(Sketch.of(values).packed()).counts == Sketch.of(values).counts


def test_without_values_there_is_no_quantile() -> None:
    assert Sketch().quantile(0.5) is None and merged([]).quantile(0.5) is None and merged([b"", b""]).n == 0


@pytest.mark.parametrize("value", [0.0011, 0.25, 3600, 86_400 * 30])
def test_times_from_a_millisecond_to_a_month_have_a_bucket(value: float) -> None:
    [bucket] = Sketch.of([value]).counts
    assert is_close(value_of(bucket), value)
