"""Run parts of the tests in two workers. Each worker runs a part in a separate process, then takes the next part that nobody has taken.

One worker takes from the front of the list, the other from its end. Parts that start portals and browsers stand in front, parts that keep
one core busy at the end. So unlike loads run side by side, and both workers end at about the same time, whichever part has grown.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

NOTING = ("-p", "tests.running_test")
"""pytest's arguments that make a part's process note its running test and its failed tests, in files that these variables name."""
RUNNING = "TEST_RUNNING_FILE"
FAILED = "TEST_FAILED_FILE"
STACKS = signal.SIGUSR2
"""At this signal the process then writes the stacks of its threads."""
_SUMMARY = re.compile(r"(=+ )?\d+ (passed|failed|errors?|skipped|deselected)\b.* in [\d.]+s.*")
_COUNTED = re.compile(r"(\d+) (passed|failed|errors?|skipped)")
Part = tuple[str, ...]
"""Patterns of the files and folders that one process tests."""
TEST_LIMIT_S = 420
"""On a busy machine the slowest test takes a third of this. One that takes longer hangs: it writes its stacks, and its process ends."""
PART_LIMIT_S = 1800
"""What hangs before the first test or after the last one is ended after this time."""
WRITING_S = 2
"""A process that is ended has this long to write its stacks."""


@dataclass(frozen=True)
class Result:
    """What a part's process wrote, and how it ended. code: its exit code. cut: the test that ran when the process ended, if one did.

    failed: the tests that failed, as pytest names them.
    """

    part: Part
    code: int
    output: str
    seconds: float
    cut: str = ""
    failed: tuple[str, ...] = ()

    @property
    def counts(self) -> tuple[int, int, int]:
        """Return how many tests passed, failed (errors too) and were skipped, from pytest's summary. Python may complain below it."""
        summaries = [line for line in self.output.splitlines() if _SUMMARY.fullmatch(line)]
        found = {word.rstrip("s"): int(number) for number, word in _COUNTED.findall(summaries[-1] if summaries else "")}
        return found.get("passed", 0), found.get("failed", 0) + found.get("error", 0), found.get("skipped", 0)

    @property
    def failures(self) -> list[str]:
        """Return the lines that name failed tests, from the summary at the end, or the test in which the process ended."""
        named = [line for line in self.output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return [*named, f"ERROR {self.cut} - its process ended in it, or was ended because it hung"] if self.cut else named


class ParallelTests:
    """Runs `command`, which is pytest, with each part's paths as its last arguments, in the folder `root`.

    ended: called with each result at once. part_s: the seconds after which a part's process is ended.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        root: Path,
        environment: Mapping[str, str],
        ended: Callable[[Result], None],
        part_s: float = PART_LIMIT_S,
    ) -> None:
        self._command = command
        self._root = root
        self._environment = environment
        self._ended = ended
        self._part_s = part_s
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(self, parts: Sequence[Part]) -> list[Result]:
        """Run all parts and return their results. An interruption ends the processes."""
        waiting = deque(parts)
        with ThreadPoolExecutor(2) as threads:
            workers = [threads.submit(self._work, take) for take in (waiting.popleft, waiting.pop)]
            try:
                return [result for worker in workers for result in worker.result()]
            finally:
                waiting.clear()
                with self._lock:
                    for process in self._running:
                        process.terminate()

    def run_alone(self, tests: Sequence[str]) -> Result:
        """Run these tests in one process. tests: as pytest names them."""
        result = self._run_paths(tuple(tests), tests)
        self._ended(result)
        return result

    def _work(self, take: Callable[[], Part]) -> list[Result]:
        results: list[Result] = []
        while True:
            try:
                part = take()
            except IndexError:
                return results
            results.append(self._run_part(part))
            with self._lock:
                self._ended(results[-1])

    def _run_part(self, part: Part) -> Result:
        return self._run_paths(part, sorted(str(path.relative_to(self._root)) for pattern in part for path in self._root.glob(pattern)))

    def _run_paths(self, part: Part, paths: Sequence[str]) -> Result:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="workers-") as folder:
            output, running, failed = (Path(folder) / name for name in ("output", "running", "failed"))
            environment = {**self._environment, RUNNING: str(running), FAILED: str(failed)}
            with output.open("wb") as file:
                code = self._run_process([*self._command, *paths], environment, file)
            return Result(
                part=part,
                code=code,
                output=output.read_text("utf-8", "replace"),
                seconds=time.monotonic() - began,
                cut=running.read_text("utf-8") if code and running.exists() else "",
                failed=tuple(json.loads(line) for line in failed.read_text("utf-8").splitlines()) if failed.exists() else (),
            )

    def _run_process(self, command: Sequence[str | Path], environment: Mapping[str, str], output: BinaryIO) -> int:
        """Run a part's process in a group of its own, and end with it what it started and left."""
        process = subprocess.Popen(
            command, cwd=self._root, env=environment, stdout=output, stderr=subprocess.STDOUT, process_group=0
        )
        with self._lock:
            self._running.add(process)
        try:
            return self._wait(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with self._lock:
                self._running.remove(process)

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(self._part_s)
        process.send_signal(STACKS)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(WRITING_S)
        process.kill()
        return process.wait()
