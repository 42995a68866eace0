"""Run the load and watch the memory of the portal."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.portal_parts.portal import Measured, running_portal
from bench.servers.soak.growing import MAX_GROWTH, MIN_SAMPLES, growth
from bench.servers.soak.mixed_load import Load, Tally
from bench.servers.soak.rounds import PAGES, page

START_S = 900.0
"""The start may take long: beside tests, at a low priority."""
MIN_ROUNDS = 10
"""The least number of each kind; below it the load was too small to show anything."""
MAX_LATE = 0.05
"""The share of rounds that may be given up; a machine that is busy with tests makes some late."""
SAMPLES = 60
"""The load rests for each."""
FEWEST_SAMPLES = 2 * MIN_SAMPLES
"""A third of them belongs to the warm-up."""
CALM_S = 2.0
"""The time in which a portal that has nothing to do puts away what the last rounds needed."""
LOOKS = 4
"""Within this time; the smallest size counts, since a job may run."""
LONGEST = 2.0
"""The most that a run may take of its time until there were enough rounds."""


@dataclass(frozen=True)
class Soaked:
    """The result. memory: seconds since the start and MB of the portal's process, in order."""

    memory: Sequence[tuple[float, float]]
    tally: Tally
    exit_code: int | None
    """The portal's exit code; None if it still ran at the end."""

    def problems(self) -> Sequence[str]:
        """Return what went wrong, one sentence each."""
        found = [f"{count} times {fault}." for fault, count in self.tally.faults.most_common()]
        if self.tally.late > MAX_LATE * sum(self.tally.rounds.values()):
            found.append(f"{self.tally.late} rounds were given up because a response did not come in time.")
        if self.exit_code is not None:
            found.append(f"The portal ended with {self.exit_code}.")
        if self.tally.fewest() < MIN_ROUNDS:
            found.append(f"A kind of load did only {self.tally.fewest()} rounds, which is too few to tell whether memory grows.")
        elif growth(self.memory) > MAX_GROWTH:
            found.append(
                f"Memory grew by {100 * growth(self.memory):.1f} % after the warm-up; at most {100 * MAX_GROWTH:.0f} % is allowed."
            )
        return found


def soak(minutes: float, share: float | None = None) -> Soaked:
    """Run the load. share: of a processor core that the portal and the load may take; None is all that they can get."""
    # A proxy's header gives each sign-in a different address.
    with running_portal(start_s=START_S, PORTAL_TRUSTED_PROXIES="127.0.0.1") as portal:
        for number in range(len(PAGES)):  # A page is imported when it is first drawn; that is no growth.
            page(portal, number)
        load = Load(portal, share)
        load.start()
        memory = watched(portal, 60 * minutes, lambda: load.tally.fewest() >= MIN_ROUNDS, load.rest)
        exit_code = portal.process.poll()
        return Soaked(memory, load.stop(), exit_code)


def watched(
    portal: Measured, seconds: float, enough: Callable[[], bool], rest: Callable[[], AbstractContextManager[None]]
) -> Sequence[tuple[float, float]]:
    """Return the memory of the resting portal, sampled until the time is over and there was `enough` load.

    While the portal works, each password that is checked takes 64 MB. On a busy machine one is checked nearly all the time.
    """
    began = time.monotonic()
    found: list[tuple[float, float]] = []
    while (passed := time.monotonic() - began) < seconds or (
        passed < LONGEST * seconds and not (enough() and len(found) >= FEWEST_SAMPLES)
    ):
        try:
            with rest():
                found.append((passed, min(calm_mb(portal.process.pid) for _ in range(LOOKS))))
        except psutil.NoSuchProcess:
            break
        time.sleep(seconds / SAMPLES)
    return found


def calm_mb(pid: int) -> float:
    time.sleep(CALM_S / LOOKS)
    return memory_mb(pid)


def memory_mb(pid: int) -> float:
    """Return the anonymous memory of a process, in memory and in swap, in MB. Raises psutil.NoSuchProcess.

    Pages of mapped files do not count. They belong to one process while no other maps the same libraries, so tests that end beside the
    portal would seem to make it larger.
    """
    try:
        sizes = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(pid) from None
    return sum(int(kb) for kb in re.findall(r"^(?:Anonymous|Swap): +(\d+) kB$", sizes, re.MULTILINE)) * 1024 / 1e6
