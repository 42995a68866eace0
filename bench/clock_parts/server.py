"""Serve a portal whose model takes a GPU's time: `python -m bench.clock_parts.server CLOCK [gpu-sampling]`.

SIGUSR1 writes the processor time of each thread to threads.json in the home.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import models.serving.loader
from bench.engine_parts.gpu_clock import CLOCKS, clocked
from cli.serving.serve import main

TICKS = os.sysconf("SC_CLK_TCK")
KINDS = {"decode": "decode", "MainThread": "HTTP loop", "turn-": "turns", "answers": "answers", "AnyIO": "HTTP workers"}
"""Prefix of a thread's name -> its kind."""


def processor_seconds() -> dict[str, float]:
    """Return the processor time of each thread by its kind; threads that have ended count as "ended"."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    seconds: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        after_name = (task / "stat").read_text().rpartition(")")[2].split()
        kind = _kind(names.get(int(task.name), "native"))
        seconds[kind] = seconds.get(kind, 0.0) + (int(after_name[11]) + int(after_name[12])) / TICKS
    seconds["ended"] = max(0.0, time.process_time() - sum(seconds.values()))
    return seconds


def _kind(name: str) -> str:
    for start, kind in KINDS.items():
        if name.startswith(start):
            return kind
    return "other"


def _write(_signal: int, _frame: FrameType | None) -> None:
    found = Path(os.environ["PORTAL_HOME"]) / "threads.json"
    found.with_suffix(".new").write_text(json.dumps(processor_seconds()))
    found.with_suffix(".new").replace(found)


if __name__ == "__main__":
    backend = clocked(CLOCKS[sys.argv[1]], gpu_sampling="gpu-sampling" in sys.argv)
    models.serving.loader.LlamaBackend = backend  # type: ignore[attr-defined]
    signal.signal(signal.SIGUSR1, _write)
    sys.exit(main())
