"""Measure the speed of a transfer, and report it with its job."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from core.tasks.handlers import Report

WINDOW_S = 10.0
"""Seconds over which the speed is averaged."""


class TransferProgress:
    """Converts transferred bytes, over all files of a transfer, to the progress of a job."""

    def __init__(self, report: Report, total: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._report = report
        self._total = total
        self._monotonic = monotonic
        self._seen: deque[tuple[float, int]] = deque()
        self.before = 0
        """Total bytes of the completed files."""

    def step(self, name: str, file: str) -> Callable[[int], None]:
        """Begin a step ("download", "verify", "copy") of a file. Returns a function that takes the bytes of that file done so far."""
        self._seen.clear()

        def progress(done: int) -> None:
            now = self._monotonic()
            self._seen.append((now, done))
            while len(self._seen) > 2 and now - self._seen[0][0] > WINDOW_S:
                self._seen.popleft()
            first_at, first = self._seen[0]
            speed = (done - first) / (now - first_at) if now > first_at else 0.0
            moved = name != "verify"
            whole = self.before + done if moved else self.before
            self._report(
                whole / self._total if self._total else 1.0, step=name, file=file, done_bytes=whole, total_bytes=self._total,
                bytes_per_second=round(max(0.0, speed)),
            )  # fmt: skip

        return progress
