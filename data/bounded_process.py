"""Run a program over an untrusted file in a separate process, with limits, fairly by person."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO

from core.errors import Busy, Unavailable
from core.knowledge.ports import OnQueuePosition
from data.documents.reading_queue import ReadingQueue, Turn

TICK_S, REPORT_S = 0.1, 0.5
"""Seconds between checks whether a file must pause, and between reports of its queue position."""
_LOG = logging.getLogger(__name__)


class OverLimit(Exception):
    """Raised when the process used up its time, or the kernel ended it."""


class BoundedProcess:
    """Runs one worker process per file, several at once. Thread-safe.

    The worker receives its limits and settings as JSON in one argument and the file on stdin. It writes its answer to stdout.
    """

    def __init__(
        self,
        worker: Path,
        *,
        at_once: int,
        most_open: int,
        wall_s: float,
        wait_s: float,
        busy: str,
        unavailable: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """at_once: files read at once. most_open: files begun; a long one pauses while others are read.

        wall_s: running time of one file. wait_s: how long a file waits for its turn. busy, unavailable: the sentences of these errors.
        environment: variables for the worker.
        """
        self._environment = {"LC_ALL": "C.UTF-8", "PATH": "", **(environment or {})}
        self._worker = worker
        self._wall_s = wall_s
        self._wait_s = wait_s
        self._busy, self._unavailable = busy, unavailable
        self._queue = ReadingQueue(at_once, most_open)

    def run(
        self, content: bytes, settings: Mapping[str, object], person: str = "", on_queue_position: OnQueuePosition | None = None
    ) -> bytes:
        """Return what the worker wrote. Raises OverLimit, Busy, Unavailable, and what on_queue_position raises."""
        turn = self._queue.enter(person)
        try:
            self._await(turn, on_queue_position)
            return self._ask(content, settings, turn, on_queue_position)
        finally:
            self._queue.leave(turn)

    def _await(self, turn: Turn, on_queue_position: OnQueuePosition | None) -> None:
        """Wait until it is this file's turn. Raises Busy if it is not begun in time, and what on_queue_position raises."""
        while not self._queue.wait(turn, min(REPORT_S, self._wait_s)):
            if not turn.begun and self._queue.waited_s(turn) >= self._wait_s:
                raise Busy(self._busy, retry_after=60)
            if on_queue_position:
                on_queue_position(self._queue.position(turn))

    def _ask(self, content: bytes, settings: Mapping[str, object], turn: Turn, on_queue_position: OnQueuePosition | None) -> bytes:
        # Isolated and without the portal's environment, which may contain secrets, and whose path would lead to other programs.
        command = [sys.executable, "-I", str(self._worker), json.dumps(settings)]
        try:
            child = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=self._environment)
        except OSError as problem:
            _LOG.error("the reader %s could not start: %s", self._worker.parent.name, problem)
            raise Unavailable(self._unavailable) from problem
        # Use a thread: after a time limit, communicate() does not continue to write its input (CPython 3.11).
        writer, child.stdin = threading.Thread(target=_write_file, args=(child.stdin, content)), None
        writer.start()
        with child:
            try:
                answer, complaint = self._answer(child, turn, on_queue_position)
            finally:
                if child.poll() is None:
                    child.kill()
                writer.join()
        self._check(child.returncode, complaint)
        return answer

    def _answer(self, child: Popen[bytes], turn: Turn, on_queue_position: OnQueuePosition | None) -> tuple[bytes, bytes]:
        """Return the output of the process, which is stopped while others have their turn. Raises OverLimit if it runs too long."""
        while self._queue.ran_s(turn) < self._wall_s:
            with suppress(subprocess.TimeoutExpired):
                return child.communicate(timeout=TICK_S)
            if self._queue.is_due(turn):
                child.send_signal(signal.SIGSTOP)
                self._queue.pause(turn)
                self._await(turn, on_queue_position)
                child.send_signal(signal.SIGCONT)
        raise OverLimit

    def _check(self, returncode: int, complaint: bytes) -> None:
        if returncode < 0:
            _LOG.warning("a reader of %s was ended by %s", self._worker.parent.name, signal.strsignal(-returncode))
            raise OverLimit
        if returncode > 0:
            last = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]
            _LOG.error("the reader of %s failed: %s", self._worker.parent.name, last[:300])
            raise Unavailable(self._unavailable)


def _write_file(pipe: IO[bytes] | None, content: bytes) -> None:
    """Write the file to a process that may be killed meanwhile."""
    assert pipe is not None
    with suppress(OSError), pipe:
        pipe.write(content)
