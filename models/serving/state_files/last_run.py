"""Report crashes of earlier runs. A native abort leaves no time to write a report, so the portal keeps the facts on disk while it runs.

Each run has a folder under `logs/running`: a locked file that tells the next run whether it is still alive, the engines' last steps, and
the stack that the interpreter and llama.cpp write while they crash. A run that ends in order removes its folder; the next start reads the
others.
"""

from __future__ import annotations

import ctypes
import faulthandler
import fcntl
import json
import logging
import os
import re
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from core.models.start_records import Crash, ModelWork
from models.engine.llama import native
from models.engine.llama.last_step import Activity, LastStep, Step, read_steps
from models.plain_words import plain_reason, without_codes

LONG_RUN_S = 600.0
"""A load did not kill a run that lasted this long: its crash starts a new count."""
KEPT = 20
"""Number of crashes that are remembered."""
_FATAL = re.compile(r"^Fatal Python error: (.+)$", re.MULTILINE)
_CURRENT = re.compile(r"^Current thread 0x([0-9a-f]+)", re.MULTILINE)
_MESSAGE = re.compile(r"^llama\.cpp: (.+)$", re.MULTILINE)
_WORK = {Activity.LOADING: ModelWork.LOADING, Activity.DECODING: ModelWork.DECODING, Activity.SAMPLING: ModelWork.SAMPLING}
_log = logging.getLogger(__name__)


class RunRecord:
    """The record of this run, and of the runs before it. One per process."""

    def __init__(self, logs: Path) -> None:
        """Read and clear what earlier runs left. Raises OSError if the folder cannot be written."""
        self._running = logs / "running"
        self._crashes_file = logs / "crashes.json"
        self._running.mkdir(parents=True, exist_ok=True)
        self._begun = time.time()
        self.found: tuple[Crash, ...] = tuple(self._look_back())
        """Runs that ended in native code since the last start."""
        # Locked before it gets its name, so that no other process takes it for the file of a dead run.
        name = f"{time.time_ns():x}-{os.getpid()}"
        new = self._running / f".{name}"
        new.mkdir()
        self._lock = (new / "lock").open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._folder = new.rename(self._running / name)
        self._native = (self._folder / "native").open("wb", buffering=0)
        faulthandler.enable(self._native)
        native.on_abort(self._aborting)

    def last_step(self, model: str) -> LastStep:
        """Return the record into which the model's engine writes its steps."""
        try:
            return LastStep(model, self._folder)
        except OSError as error:
            _log.warning("what model %s does last will not be known: %s", model, error)
            return LastStep(model)

    def close(self) -> None:
        """Record that this run ended in order, which also resets the count of crashes in a row."""
        native.on_abort(None)
        faulthandler.enable(sys.__stderr__ or 2)
        self._native.close()
        self._lock.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        known = read_crashes(self._crashes_file.parent)
        if any(crash.in_a_row for crash in known):
            self._write([replace(crash, in_a_row=0) for crash in known])

    def _aborting(self, message: str) -> None:
        """Record why and where llama.cpp aborts, for the next start and on the terminal."""
        line = f"llama.cpp: {without_codes(message)}\n".encode()
        os.write(self._native.fileno(), line)
        stack = (ctypes.c_void_p * 100)()
        libc = ctypes.CDLL(None)
        libc.backtrace_symbols_fd(stack, libc.backtrace(stack, len(stack)), self._native.fileno())
        os.write(2, line)

    def _look_back(self) -> list[Crash]:
        found = []
        for folder in sorted(path for path in self._running.iterdir() if not path.name.startswith(".")):
            try:
                with (folder / "lock").open("r+b") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    crash = self._read(folder)
            except BlockingIOError:
                continue  # another running portal with this home
            except OSError as error:
                _log.warning("what an earlier run left in %s cannot be read: %s", folder, error)
                crash = None
            if crash is not None:
                found.append(crash)
                self._write([*read_crashes(self._crashes_file.parent), crash][-KEPT:])
            shutil.rmtree(folder, ignore_errors=True)
        return found

    def _read(self, folder: Path) -> Crash | None:
        """Return the crash of an earlier run; None if it ended otherwise."""
        steps = [step for step in read_steps(folder) if step.doing is not Activity.IDLE]
        text = (folder / "native").read_text("utf-8", "replace").strip()
        if not text:
            at_work = "; ".join(_words(step) for step in steps)
            _log.warning("The last run was killed, ran out of memory or lost its power. %s", f"Then: {at_work}." if at_work else "")
            return None
        fatal, message, thread = _FATAL.search(text), _MESSAGE.search(text), _CURRENT.search(text)
        crashed_step = _crashed_step(steps, int(thread[1], 16) if thread else 0)
        ended = (folder / "native").stat().st_mtime
        crash = Crash(
            at=datetime.fromtimestamp(ended, UTC),
            model=crashed_step.model if crashed_step else "",
            doing=_WORK[crashed_step.doing] if crashed_step else None,
            answers=crashed_step.answers if crashed_step else 0,
            requests=crashed_step.ids if crashed_step else (),
            error=plain_reason(message[1] if message else fatal[1] if fatal else text.splitlines()[0]),
        )
        earlier = [one for one in read_crashes(self._crashes_file.parent) if one.model == crash.model]
        short = ended - (folder / "lock").stat().st_mtime < LONG_RUN_S
        crash = replace(crash, in_a_row=(earlier[-1].in_a_row if earlier and short else 0) + 1)
        _log.error(
            "The last run ended in native code. %s. Its stack:\n%s", _words(crashed_step) if crashed_step else "No model was at work", text
        )
        return crash

    def _write(self, crashes: list[Crash]) -> None:
        written = [asdict(crash) | {"at": crash.at.isoformat()} for crash in crashes]
        try:
            new = self._crashes_file.with_suffix(".new")
            new.write_text(json.dumps(written, indent=1), "utf-8")
            new.replace(self._crashes_file)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._crashes_file, error)


def read_crashes(logs: Path) -> list[Crash]:
    """Return the remembered crashes, the newest last."""
    try:
        return [_crash(written) for written in json.loads((logs / "crashes.json").read_text("utf-8"))]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _crash(written: Mapping[str, object]) -> Crash:
    given = dict(written)
    at, requests, doing = given.pop("at"), given.pop("requests"), given.pop("doing")
    assert isinstance(requests, list)
    return Crash(at=datetime.fromisoformat(str(at)), requests=tuple(map(str, requests)), doing=ModelWork(doing) if doing else None, **given)  # type: ignore[arg-type]


def _crashed_step(steps: list[Step], thread: int) -> Step | None:
    """Return the step of the thread that died, or the newest step if a helper thread of llama.cpp died."""
    mine = [step for step in steps if step.thread == thread]
    return max(mine or steps, key=lambda step: step.at, default=None)


def _words(step: Step) -> str:
    ids = f", for {' '.join(step.ids)}" if step.ids else ""
    return f"Model {step.model} was {_WORK[step.doing]} {step.answers} answers{ids}"
