"""Measure whether memory grows under a mixed load. `./portal bench soak [--minutes N] [--share S]`

Runs chats, programs, files, documents, tasks, lists, search, ratings, boards, sign-ins and all pages of an admin at the same time, on a
portal with the built-in guide. The first third of the time, at most 20 minutes, warms up. Exits with 1 if memory then grew by more than
5 %, an answer was a fault, or the portal ended. --share holds the portal and the load to that part of a processor core. `./portal test`
runs 15 minutes with 0.2 beside the tests; run 480 minutes before a release.
"""

from __future__ import annotations

import argparse
import signal
import sys

from bench.portal_parts.portal import table
from bench.servers.soak.growing import MAX_GROWTH, growth
from bench.servers.soak.measuring import soak

MINUTES = 15.0
SHOWN = 20


def main() -> int:
    options = argparse.ArgumentParser(prog="./portal bench soak")
    options.add_argument("--minutes", type=float, default=MINUTES)
    options.add_argument("--share", type=float)
    given = options.parse_args()
    # As an exception, so that the portal ends with it.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    soaked = soak(given.minutes, given.share)
    table("Rounds", ("load", "rounds"), sorted(soaked.tally.rounds.items()))
    marks = soaked.memory[:: max(1, len(soaked.memory) // SHOWN)]
    table("Memory", ("minutes", "MB"), [(f"{seconds / 60:.1f}", f"{size:.0f}") for seconds, size in marks])
    problems = soaked.problems()
    print()
    for problem in problems[:SHOWN]:
        print(f"The soak failed: {problem}")
    if not problems:
        minutes = soaked.memory[-1][0] / 60
        grown = f"{100 * growth(soaked.memory):+.1f} %, at most {100 * MAX_GROWTH:.0f} %"
        print(f"The soak passed: {sum(soaked.tally.rounds.values())} rounds in {minutes:.0f} minutes, memory after the warm-up {grown}.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
