"""Record what an engine does now, in a file that the kernel keeps when the process dies: model, kind of step, ids of its answers.

A shared mapping costs one memory write per step, and no signal can lose it. Ids only, never text of people.
"""

from __future__ import annotations

import mmap
import struct
import threading
import time
from collections.abc import Sequence as Row
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.engine.sequence import Sequence

SIZE = 16_384
_MAGIC = b"portal 1"
_HEAD = struct.Struct("<8sB3xIIQd")
"""Magic, kind, answers, length of the ids, thread, time."""
_KIND = 8
_NAME, _IDS = 64, 320


class Activity(IntEnum):
    IDLE = 0
    LOADING = 1
    DECODING = 2
    SAMPLING = 3


@dataclass(frozen=True, slots=True)
class Step:
    """The last step that a file records. at: seconds since 1970. thread: threading.get_ident() of its thread."""

    model: str
    doing: Activity
    answers: int
    ids: tuple[str, ...]
    thread: int
    at: float


class LastStep:
    """The loading thread writes it, then the decode thread. Tests use it without a folder."""

    def __init__(self, model: str, folder: Path | None = None) -> None:
        """Create the file. Raises OSError if that fails."""
        self._path: Path | None = None
        self._answers: tuple[Sequence, ...] = ()
        self._ids = 0
        if folder is None:
            self._map = mmap.mmap(-1, SIZE)
        else:
            self._path = folder / f"{time.time_ns():x}.step"
            self._path.write_bytes(bytes(SIZE))
            with self._path.open("r+b") as file:
                self._map = mmap.mmap(file.fileno(), SIZE)
        name = model.encode()[: _IDS - _NAME - 1]
        self._map[_NAME : _NAME + len(name)] = name
        self._write(Activity.LOADING, 0)

    def decoding(self, answers: tuple[Sequence, ...]) -> None:
        """Note the sequences of a step. With `sampling` and `resting` under 2 us a step while the same ones continue, else 4 us."""
        if answers != self._answers:
            self._answers = answers
            ids = " ".join([one.label for one in answers]).encode()[: SIZE - _IDS]
            self._map[_IDS : _IDS + len(ids)] = ids
            self._ids = len(ids)
        self._write(Activity.DECODING, len(answers))

    def sampling(self) -> None:
        self._map[_KIND] = Activity.SAMPLING

    def idle(self) -> None:
        self._map[_KIND] = Activity.IDLE

    def close(self) -> None:
        """Remove the file after an orderly end."""
        self._map.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _write(self, doing: Activity, answers: int) -> None:
        _HEAD.pack_into(self._map, 0, _MAGIC, doing, answers, self._ids, threading.get_ident(), time.time())


def read_steps(folder: Path) -> Row[Step]:
    """Return the last steps of the engines of a dead process; unreadable files are left out."""
    steps = []
    for path in sorted(folder.glob("*.step")):
        try:
            data = path.read_bytes()
            magic, doing, answers, length, thread, at = _HEAD.unpack_from(data)
            if magic == _MAGIC:
                model = data[_NAME:_IDS].rstrip(b"\0").decode("utf-8", "replace")
                ids = tuple(data[_IDS : _IDS + length].decode("utf-8", "replace").split())
                steps.append(Step(model, Activity(doing), answers, ids, thread, at))
        except (OSError, ValueError, struct.error):
            continue
    return steps
