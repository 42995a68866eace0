"""Measure how long a second start takes until the portal answers, and its memory then. `./portal bench start`"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import psutil

from bench.portal_parts.portal import ROOT, running_portal, table

REPEATS = 5


def main() -> None:
    times, memory = [], []
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        for _ in range(REPEATS + 1):
            with running_portal(Path(folder)) as portal:
                times.append(portal.ready_s)
                memory.append(psutil.Process(portal.process.pid).memory_info().rss / 1e6)
    table(
        f"Start to ready, {REPEATS} repeats after a first one ({ROOT.name} with the built-in guide)",
        ["", "median", "slowest"],
        [
            ["first start, s", f"{times[0]:.1f}", f"{times[0]:.1f}"],
            ["second start, s", f"{statistics.median(times[1:]):.1f}", f"{max(times[1:]):.1f}"],
            ["memory when ready, MB", f"{statistics.median(memory):.0f}", f"{max(memory):.0f}"],
        ],
    )


if __name__ == "__main__":
    main()
