"""What a person sees while something takes long: one line per step, with seconds and a share done."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from typing import TextIO

from core.errors import StartFailed

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_EVERY = 15.0
"""Seconds between lines where the output is a file."""


class Step:
    """One step under way. Set `detail` to tell how far it is."""

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
    """Run a command, its output into `log`. Raises StartFailed with its last words."""
    last = ""
    with log.open("a", encoding="utf-8", errors="replace") as written:
        written.write(f"\n$ {' '.join(str(part) for part in command)}\n")
        with Popen([str(part) for part in command], stdout=PIPE, stderr=STDOUT, text=True, errors="replace", env=environment) as child:
            try:
                assert child.stdout is not None
                for line in child.stdout:
                    written.write(line)
                    last = line.strip() or last
                    if each_line:
                        each_line(line)
            except BaseException:
                child.terminate()
                raise
    if child.returncode:
        raise StartFailed("{name} failed: {last} All of its output is in {log}.", name=Path(command[0]).name, last=_sentence(last), log=log)


def mark(good: bool | None, stream: TextIO | None = None) -> str:
    """A tick, a cross, or a dash for what is neither."""
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
