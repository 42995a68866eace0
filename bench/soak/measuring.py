"""Run the load, watch the memory, and compute by how much it grew."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from bench.portal_parts.portal import Measured, percentile, running_portal
from bench.soak.mixed_load import Load, Tally

MOST_GROWTH = 0.05
LONGEST_WARM_UP_S = 20 * 60.0


@dataclass(frozen=True)
class Soaked:
    """The result. memory: seconds since the start and MB of the process with its children, in order."""

    memory: Sequence[tuple[float, float]]
    tally: Tally
    exit_code: int | None
    """The portal's exit code; None if it still ran at the end."""

    @property
    def ok(self) -> bool:
        return self.exit_code is None and not self.tally.faults and growth(self.memory) <= MOST_GROWTH


def soak(minutes: float) -> Soaked:
    # Titles and summaries are answers too; a proxy's header gives each sign-in a different address.
    with running_portal(PORTAL_TRUSTED_PROXIES="127.0.0.1") as portal:
        load = Load(portal)
        load.start()
        memory = watched(portal, 60 * minutes)
        tally = load.stop()
        return Soaked(memory, tally, portal.process.poll())


def watched(portal: Measured, seconds: float) -> Sequence[tuple[float, float]]:
    """Return the memory of the portal, sampled at least a hundred times and at most once a second."""
    began, found = time.monotonic(), []
    while (passed := time.monotonic() - began) < seconds and portal.process.poll() is None:
        found.append((passed, memory_mb(portal.process.pid)))
        time.sleep(min(1.0, seconds / 100))
    return found


def memory_mb(pid: int) -> float:
    process = psutil.Process(pid)
    size = process.memory_info().rss
    for child in process.children(recursive=True):
        try:
            size += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return float(size) / 1e6


def growth(memory: Sequence[tuple[float, float]]) -> float:
    """Return the share by which memory grew from the first quarter after the warm-up to the last: its floor or its ceiling.

    The larger growth counts. Between floor and ceiling, memory moves by a sixth with the current work; a median would only show which of
    them was more frequent.
    """
    end = memory[-1][0]
    settled = [size for passed, size in memory if passed >= min(end / 3, LONGEST_WARM_UP_S)]
    quarter = max(1, len(settled) // 4)
    return max(percentile(settled[-quarter:], share) / percentile(settled[:quarter], share) for share in (0.1, 0.9)) - 1
