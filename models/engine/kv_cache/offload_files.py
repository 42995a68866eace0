"""Keep conversations that left the host's memory on disk until they continue, as sealed files in a folder of this process."""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from models.engine.kv_cache.process_folder import ProcessFolder, remove_left

FRAME_BYTES = 64 * 1024
"""Bytes that are sealed at once. Sealing holds the interpreter's lock, for which the decode thread waits about 30 us."""
TAG_BYTES = 16
MAX_UNWRITTEN_BYTES = 256 * 1024**2
"""Memory for conversations that arrive faster than the disk writes them; a single one may be larger."""
MAX_FILES = 1024
"""Every prompt is compared with each, which takes about 4 us on the asking thread."""
EXPIRES_S = 24 * 3600.0
"""How long a file is kept: it holds text of people, and is not removed when they delete that."""
SWEEP_S = 60.0
_MAX_BYTES, _FREE_SHARE = 8 * 1024**3, 0.1
_log = logging.getLogger(__name__)

Tokens = NDArray[np.int32]
State = NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class OffloadedFile:
    """One conversation of `owner`, a load of a model. tokens: what its slot held. state: the same as the backend's bytes, until written."""

    owner: str
    number: int
    tokens: Tokens
    state_bytes: int
    since: float
    state: State | None
    gone: bool = False

    @property
    def bytes(self) -> int:
        """Return the size of the file."""
        return self.state_bytes + TAG_BYTES * -(-self.state_bytes // FRAME_BYTES)


class OffloadFiles:
    """At most `budget_bytes` of them for all models together; the oldest goes first. Safe from any thread.

    A separate thread writes. The key is random and never leaves this object, so that nobody can read the files of a killed process;
    each frame is bound to its owner, its tokens and its number, so that no foreign or incomplete state is restored. A failure to write
    or read is a miss, logged once.
    """

    def __init__(self, parent: Path, budget_bytes: int, *, expires_s: float = EXPIRES_S, sweep_s: float = SWEEP_S) -> None:
        """Create the folder. Raises OSError if that fails."""
        self.parent = parent
        self._folder = ProcessFolder(parent)
        self._budget = budget_bytes
        self._expires_s, self._sweep_s = expires_s, sweep_s
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._kept: list[OffloadedFile] = []
        """The oldest first."""
        self._unwritten: list[OffloadedFile] = []
        self._unlinked: list[OffloadedFile] = []
        self._numbers = 0
        self._failures: Counter[str] = Counter()
        self._logged: set[str] = set()
        self._closing = False
        self._reading = threading.Lock()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="offload files", daemon=True)
        self._thread.start()

    def add(self, owner: str, tokens: Tokens, state: State) -> None:
        """Write a conversation soon, replacing the oldest.

        Returns at once; conversations that arrive faster than they can be written are dropped.
        """
        with self._changed:
            waiting = sum(one.state_bytes for one in self._unwritten)
            kept = OffloadedFile(owner, self._numbers, tokens, state.nbytes, time.monotonic(), state)
            if self._closing or kept.bytes > self._budget or (waiting and waiting + state.nbytes > MAX_UNWRITTEN_BYTES):
                return
            self._numbers += 1
            self._kept.append(kept)
            self._unwritten.append(kept)
            self._keep_within_budget()
            self._changed.notify_all()

    def best(self, owner: str, prompt: Sequence[int]) -> tuple[OffloadedFile, int] | None:
        """Return the owner's one that shares most with `prompt`, and how many tokens: at most all but the prompt's last."""
        with self._changed:
            mine = [one for one in self._kept if one.owner == owner]
        if not mine:
            return None
        row = np.asarray(prompt[:-1], np.int32)
        best = max(mine, key=lambda one: shared(one.tokens, row))
        return best, shared(best.tokens, row)

    def read(self, kept: OffloadedFile) -> State | None:
        """Read the state; None, with the file forgotten, if it is not intact. Takes as long as the disk does."""
        with self._reading:
            unwritten = kept.state
            if unwritten is not None or kept.gone:
                return unwritten
            try:
                return self._unseal(kept)
            except (OSError, InvalidTag) as problem:
                if not kept.gone:
                    self._fail(kept, "read", problem)
                self.forget(kept)
                return None

    def forget(self, kept: OffloadedFile) -> None:
        with self._changed:
            self._drop(kept)
            self._changed.notify_all()

    def forget_all(self, owner: str) -> None:
        with self._changed:
            for one in [one for one in self._kept if one.owner == owner]:
                self._drop(one)
            self._changed.notify_all()

    def held(self, owner: str) -> tuple[int, int, int]:
        """Return (conversations, their bytes, how many could not be written or read since the start)."""
        with self._changed:
            mine = [one.bytes for one in self._kept if one.owner == owner]
            return len(mine), sum(mine), self._failures[owner]

    def lend(self) -> int:
        """Lend half of what is left of the budget to a model in a separate process, which keeps its own files under `parent`."""
        with self._changed:
            lent = self._budget // 2
            self._budget -= lent
            self._keep_within_budget()
            self._changed.notify_all()
        return lent

    def take_back(self, lent: int) -> None:
        """Take the budget back from a process that is gone, and remove what it left if it was killed."""
        with self._changed:
            self._budget += lent
        with suppress(OSError):
            remove_left(self.parent)

    def close(self) -> None:
        """Remove everything."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(5.0)
        self._folder.close()

    # Under the lock

    def _keep_within_budget(self) -> None:
        while sum(one.bytes for one in self._kept) > self._budget or len(self._kept) > MAX_FILES:
            self._drop(self._kept[0])

    def _drop(self, kept: OffloadedFile) -> None:
        if kept.gone:
            return
        kept.gone = True
        self._kept.remove(kept)
        self._unlinked.append(kept)

    def _expire(self) -> None:
        before = time.monotonic() - self._expires_s
        for one in [one for one in self._kept if one.since < before]:
            self._drop(one)

    # The writing thread

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._closing and not self._unwritten and not self._unlinked:
                    self._changed.wait(self._sweep_s)
                    self._expire()
                if self._closing:
                    return
                unlinked, self._unlinked = self._unlinked, []
                kept = self._unwritten[0] if self._unwritten else None
            for one in unlinked:
                with suppress(OSError):
                    self._path(one).unlink()
            if kept is not None:
                self._replace_beginnings(kept)
                self._write(kept)

    def _replace_beginnings(self, kept: OffloadedFile) -> None:
        """Forget the files that this conversation continues."""
        with self._changed:
            older = [one for one in self._kept if one.owner == kept.owner and one.number < kept.number]
        for one in older:
            if shared(one.tokens, kept.tokens) == len(one.tokens):
                self.forget(one)

    def _write(self, kept: OffloadedFile) -> None:
        written = False
        try:
            written = not kept.gone and self._seal(kept)
        except OSError as problem:
            self._fail(kept, "written", problem)
        with self._changed:
            self._unwritten.remove(kept)
            kept.state = None
            if not written:
                self._drop(kept)

    def _seal(self, kept: OffloadedFile) -> bool:
        """Write the file; returns False if it is no longer needed."""
        assert kept.state is not None
        data, bound, path = kept.state.data, self._bound_to(kept), self._path(kept)
        path.touch(0o600, exist_ok=False)
        with path.open("wb", buffering=0) as file:
            for index, begin in enumerate(range(0, len(data), FRAME_BYTES)):
                if kept.gone or self._closing:
                    return False
                frame = self._cipher.encrypt(_nonce(kept, index), data[begin : begin + FRAME_BYTES], bound)
                while frame:
                    frame = frame[file.write(frame) :]
        return True

    # Any thread

    def _unseal(self, kept: OffloadedFile) -> State:
        state, bound = np.empty(kept.state_bytes, np.uint8), self._bound_to(kept)
        data = state.data
        with self._path(kept).open("rb", buffering=0) as file:
            for index, begin in enumerate(range(0, len(data), FRAME_BYTES)):
                room = data[begin : begin + FRAME_BYTES]
                frame = file.read(len(room) + TAG_BYTES)
                if len(frame) != len(room) + TAG_BYTES:
                    raise InvalidTag
                self._cipher.decrypt_into(_nonce(kept, index), frame, bound, room)
        return state

    @staticmethod
    def _bound_to(kept: OffloadedFile) -> bytes:
        digest = hashlib.sha256(f"{kept.owner}\0{kept.state_bytes}\0".encode())
        digest.update(kept.tokens.data)
        return digest.digest()

    def _path(self, kept: OffloadedFile) -> Path:
        return self._folder.path / f"{kept.number}.kv"

    def _fail(self, kept: OffloadedFile, done: str, problem: Exception) -> None:
        with self._changed:
            self._failures[kept.owner] += 1
            logged = done in self._logged
            self._logged.add(done)
        if not logged:
            reason = (problem.strerror if isinstance(problem, OSError) else None) or "its content differs from what was written"
            _log.warning("an offloaded conversation could not be %s (%s); it will be computed again. This is said once.", done, reason)


def default_budget(folder: Path) -> int:
    """Return a tenth of what is free on the folder's disk, in bytes, at most 8 GB. Raises OSError."""
    return min(_MAX_BYTES, int(shutil.disk_usage(folder).free * _FREE_SHARE))


def shared(held: Tokens, prompt: Tokens) -> int:
    """Return how many first tokens agree."""
    length = min(len(held), len(prompt))
    if not length or held[0] != prompt[0]:
        return 0
    differ = held[:length] != prompt[:length]
    first = int(differ.argmax())
    return first if differ[first] else length


def _nonce(kept: OffloadedFile, frame: int) -> bytes:
    """Return a nonce that is never used twice under one key: files are numbered, and so are their frames."""
    return kept.number.to_bytes(8, "little") + frame.to_bytes(4, "little")
