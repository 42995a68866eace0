"""Compute by how much memory grew, in a way that single samples and passing peaks do not change."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from statistics import median

MAX_GROWTH = 0.05
MAX_WARM_UP_S = 20 * 60.0
WINDOWS = 8
MIN_SAMPLES = 2 * WINDOWS
"""The fewest samples from which growth can be judged."""


def growth(memory: Sequence[tuple[float, float]]) -> float:
    """Return the share by which memory grew after the warm-up, which is the first third of the time.

    memory: seconds since the start and a size, in order. The time after the warm-up is divided into windows. A window counts with its
    floor, the tenth percentile: above it lies what a job or a late round needed for a moment.
    The growth is the median of the slopes between all pairs of windows (Theil and Sen), over the whole time, so that one window with more
    work than the others counts for nothing.
    """
    end = memory[-1][0]
    settled = [size for passed, size in memory if passed >= min(end / 3, MAX_WARM_UP_S)]
    if len(settled) < MIN_SAMPLES:
        raise ValueError(f"{len(settled)} samples after the warm-up are too few to tell whether memory grows.")
    edges = [len(settled) * number // WINDOWS for number in range(WINDOWS + 1)]
    floors = [sorted(settled[first:last])[(last - first) // 10] for first, last in pairwise(edges)]
    slope = median((floors[later] - floors[earlier]) / (later - earlier) for earlier, later in combinations(range(WINDOWS), 2))
    return slope * (WINDOWS - 1) / floors[0]
