"""Whether memory grows under a mixed load. `./portal bench soak [--minutes N]`

Chats, programs, files, lists, search, sign-ins and an admin's pages at the same time, on a portal with the built-in guide. The first third
of the time, at most 20 minutes, warms up. The growth is that of the median of the last quarter of the rest over its first quarter. Ends
with 1 where memory grew by more than 5 %, an answer was a fault, or the portal ended. 480 minutes before a release, 15 for each change.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from bench.portal_parts.mixed_load import Load, Tally
from bench.portal_parts.portal import Measured, running_portal, table

MINUTES = 15.0
MOST_GROWTH = 0.05
LONGEST_WARM_UP_S = 20 * 60.0
SHOWN = 20


@dataclass(frozen=True)
class Soaked:
    """memory: seconds since the start and MB of the process with its children, in order."""

    memory: Sequence[tuple[float, float]]
    tally: Tally
    exit_code: int | None
    """None: the portal still ran at the end."""

    @property
    def ok(self) -> bool:
        return self.exit_code is None and not self.tally.faults and growth(self.memory) <= MOST_GROWTH


def main() -> int:
    options = argparse.ArgumentParser(prog="./portal bench soak")
    options.add_argument("--minutes", type=float, default=MINUTES)
    soaked = soak(options.parse_args().minutes)
    table("Rounds", ("load", "rounds"), sorted(soaked.tally.rounds.items()))
    marks = soaked.memory[:: max(1, len(soaked.memory) // SHOWN)]
    table("Memory", ("minutes", "MB"), [(f"{seconds / 60:.1f}", f"{size:.0f}") for seconds, size in marks])
    for fault, count in soaked.tally.faults.most_common(SHOWN):
        print(f"{count} times: {fault}")
    print(f"\nMemory after the warm-up: {100 * growth(soaked.memory):+.1f} % (at most {100 * MOST_GROWTH:.0f} %).")
    print("The portal still runs." if soaked.exit_code is None else f"The portal ended with {soaked.exit_code}.")
    return 0 if soaked.ok else 1


def soak(minutes: float) -> Soaked:
    # Titles and summaries are answers too; a proxy's header gives each sign-in an address of its own.
    with running_portal(PORTAL_TRUSTED_PROXIES="127.0.0.1") as portal:
        load = Load(portal)
        load.start()
        memory = watched(portal, 60 * minutes)
        tally = load.stop()
        return Soaked(memory, tally, portal.process.poll())


def watched(portal: Measured, seconds: float) -> Sequence[tuple[float, float]]:
    """Return the memory of the portal, a hundred times at least and once a second at most."""
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
    """Return by which share memory grew after the warm-up."""
    end = memory[-1][0]
    settled = [size for passed, size in memory if passed >= min(end / 3, LONGEST_WARM_UP_S)]
    quarter = max(1, len(settled) // 4)
    return statistics.median(settled[-quarter:]) / statistics.median(settled[:quarter]) - 1


if __name__ == "__main__":
    sys.exit(main())
