"""Show the progress of long operations: one line per step, with its duration and percentage."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from typing import TextIO

from cli.environment.fixes import failed, fix_for
from core.errors import StartFailed

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_EVERY = 15.0
"""Seconds between lines if the output is a file."""
_LAST_LINES = 200
"""Lines of a failed command's output that are searched for the reason."""


class Step:
    """A running step. Set `detail` to show its progress."""

    def __init__(self, doing: str, stream: TextIO) -> None:
        self.doing = doing
        self.detail = ""
        self._stream = stream
        self._live = stream.isatty()
        self._started = time.monotonic()
        self._over = threading.Event()
        self._painter = threading.Thread(target=self._paint, daemon=True)

    @property
    def line(self) -> str:
        detail = f", {self.detail}" if self.detail else ""
        return f"{self.doing}{detail} ({duration(time.monotonic() - self._started)})"

    def start(self) -> None:
        if not self._live:
            print(f"  {self.doing}", file=self._stream, flush=True)
        self._painter.start()

    def finish(self, mark: str, line: str) -> None:
        self._over.set()
        self._painter.join()
        clear = "\r\x1b[K" if self._live else ""
        print(f"{clear}{mark} {line}", file=self._stream, flush=True)

    def _paint(self) -> None:
        frame = 0
        while not self._over.wait(0.1 if self._live else _PLAIN_EVERY):
            frame += 1
            if self._live:
                self._stream.write(f"\r\x1b[K{_FRAMES[frame % len(_FRAMES)]} {self.line}")
            else:
                self._stream.write(f"  {self.line}\n")
            self._stream.flush()


@contextmanager
def step(doing: str, done: str, stream: TextIO | None = None) -> Iterator[Step]:
    """Show `doing` until the block ends, then `done` with the time it took."""
    stream = stream or sys.stdout
    current = Step(doing, stream)
    current.start()
    try:
        yield current
    except BaseException:
        current.finish(mark(False, stream), current.line)
        raise
    current.detail, current.doing = "", done
    current.finish(mark(True, stream), current.line)


def run(
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    each_line: Callable[[str], None] | None = None,
) -> None:
    """Run a command and write its output to `log`. Raises StartFailed with the last lines of output and what to do."""
    last: deque[str] = deque(maxlen=_LAST_LINES)
    try:
        with log.open("a", encoding="utf-8", errors="replace") as written:
            written.write(f"\n$ {' '.join(str(part) for part in command)}\n")
            code = _follow(command, environment, written, last, each_line)
    except OSError as problem:
        raise failed(problem) from problem
    if code:
        words, fix = _sentence(last[-1] if last else "it printed nothing"), fix_for(last)
        sentence = "{name} failed: {last} {fix} All of its output is in {log}."
        sentence = sentence if fix else sentence.replace("{fix} ", "")
        raise StartFailed(sentence, name=Path(command[0]).name, last=words, fix=fix, log=log)


def _follow(
    command: Sequence[str | Path],
    environment: Mapping[str, str] | None,
    written: TextIO,
    last: deque[str],
    each_line: Callable[[str], None] | None,
) -> int:
    """Wait for the command and return its exit status. Raises OSError if the output cannot be written.

    The command has its own session, so that everything it started can be ended with it. It inherits the inheritable locks, so that they are
    held while it runs, even if this process is killed.
    """
    arguments = [str(part) for part in command]
    with Popen(
        arguments, stdout=PIPE, stderr=STDOUT, text=True, errors="replace", env=environment, start_new_session=True, close_fds=False
    ) as child:
        try:
            assert child.stdout is not None
            for line in child.stdout:
                written.write(line)
                if line.strip():
                    last.append(line.strip())
                if each_line:
                    each_line(line)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            raise
    return child.returncode


def mark(good: bool | None, stream: TextIO | None = None) -> str:
    """Return a tick, a cross, or a dash for neither."""
    stream = stream or sys.stdout
    if not (stream.encoding or "").lower().startswith("utf"):
        return {True: "ok", False: "!!", None: "--"}[good]
    sign = {True: "✓", False: "✗", None: "–"}[good]
    colour = {True: "32", False: "31", None: "33"}[good]
    return f"\x1b[{colour}m{sign}\x1b[0m" if stream.isatty() else sign


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
