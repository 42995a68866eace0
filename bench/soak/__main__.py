"""Measure whether memory grows under a mixed load. `./portal bench soak [--minutes N]`

Runs chats, programs, files, lists, search, sign-ins and an admin's pages at the same time, on a portal with the built-in guide. The first
third of the time, at most 20 minutes, warms up. The growth is that of the last quarter of the rest over its first: of the 10th or of the
90th percentile, whichever grew more. Exits with 1 if it is more than 5 %, an answer was a fault, or the portal ended. Run 480 minutes
before a release, 15 for each change.
"""

from __future__ import annotations

import argparse
import sys

from bench.portal_parts.portal import table
from bench.soak.measuring import MOST_GROWTH, growth, soak

MINUTES = 15.0
SHOWN = 20


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


if __name__ == "__main__":
    sys.exit(main())
