"""Keep a folder only as long as its process, even if the process is killed."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


class ProcessFolder:
    """A folder of this process under `parent`, for its owner alone. Folders that killed processes left are removed at once.

    A process holds a lock on its folder, which the kernel takes away with the process: an unlocked folder is nobody's.
    """

    def __init__(self, parent: Path) -> None:
        """Create the folder. Raises OSError."""
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _guarding(parent):
            _remove_abandoned(parent)
            self.path = parent / uuid4().hex
            self.path.mkdir(mode=0o700)
            self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove it with its content."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def remove_left(parent: Path) -> None:
    """Remove the folders of killed processes under `parent`. Raises OSError."""
    with _guarding(parent):
        _remove_abandoned(parent)


@contextmanager
def _guarding(parent: Path) -> Iterator[None]:
    """Let in one process at a time: otherwise a new folder that is not locked yet could pass for a dead process's."""
    guard = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield
    finally:
        os.close(guard)


def _remove_abandoned(parent: Path) -> None:
    for left in parent.iterdir():
        _remove_if_abandoned(left)


def _remove_if_abandoned(left: Path) -> None:
    try:
        lock = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return  # not a folder, so not ours
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(left, ignore_errors=True)
    except BlockingIOError:
        pass  # its process runs
    finally:
        os.close(lock)
