"""Move verified files into the models folder without overwriting anything."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import Conflict, InvalidInput, ModelFailed, Unavailable
from core.transfers.remote_models import check_name

STAGING = ".downloads"
"""The folder inside the models folder for incomplete files. The list of models leaves it out."""
WAIT_S = 0.2
"""Seconds between tries to take over a transfer from an earlier run of it."""
UPLOAD = "upload-"
"""Prefix of the folder name of an incomplete upload."""
KEEP_UPLOADS_S = 7 * 86_400.0
"""Seconds within which an interrupted upload can resume."""
_BLOCK = 4 * 1024 * 1024
_GROUP = re.compile(r"[^\w.-]+")


class ModelFolder:
    """The folder with the GGUF files of this server."""

    def __init__(self, path: Path, reserve: int = 0, free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free) -> None:
        """reserve: bytes of the disk to keep free. free: returns the free bytes of a folder's disk."""
        self.path = path
        self._reserve = reserve
        self._measure = free

    @property
    def free(self) -> int | None:
        """Return the free bytes of the folder's disk; None if unknown."""
        try:
            return self._measure(self.path)
        except OSError:
            return None

    def staging(self, name: str) -> Path:
        """Return the folder for a transfer with this name, creating it if needed. Raises Unavailable."""
        folder = self.path / STAGING / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise self._unwritable(problem) from problem
        return folder

    @contextmanager
    def hold(self, name: str, check: Callable[[], None]) -> Iterator[None]:
        """Hold the lock on a transfer, across threads and processes of this server. check: called while waiting; may raise to stop."""
        lock = self.staging("") / f"{name}.lock"
        with lock.open("ab") as held:
            while True:
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    check()
                    time.sleep(WAIT_S)
            # Keep the lock file: removing it while others wait for it would let two of them in.
            yield

    def discard(self, name: str) -> None:
        """Delete the incomplete files of a transfer."""
        shutil.rmtree(self.path / STAGING / name, ignore_errors=True)

    def sweep(self, keep: Collection[str]) -> None:
        """Delete the incomplete files of all other transfers, and of uploads interrupted more than KEEP_UPLOADS_S ago."""
        try:
            names = [each.name for each in (self.path / STAGING).iterdir()]
        except OSError:
            return
        for name in names:
            if name not in keep and not (name.startswith(UPLOAD) and self._is_recent(name)):
                self.discard(name)

    def _is_recent(self, name: str) -> bool:
        try:
            return time.time() - (self.path / STAGING / name).stat().st_mtime < KEEP_UPLOADS_S
        except OSError:
            return False

    def staged_bytes(self, name: str) -> int:
        """Return the bytes that a transfer has stored so far."""
        total = 0
        for folder, _, files in os.walk(self.path / STAGING / name):
            for each in files:
                try:
                    total += os.lstat(os.path.join(folder, each)).st_size  # noqa: PTH118 - many small calls
                except OSError:
                    continue
        return total

    def check_space(self, needed: int) -> None:
        """Raise Conflict if the disk has less free space than `needed` bytes plus the reserve."""
        try:
            free = self._measure(self.path)
        except OSError as problem:
            raise self._unwritable(problem) from problem
        if needed + self._reserve > free:
            raise Conflict(
                "The disk of the models folder has {free} free, but {needed} are needed. Free {short} there, then try again.",
                free=in_words(free), needed=in_words(needed + self._reserve), short=in_words(needed + self._reserve - free),
            )  # fmt: skip

    def target(self, group: str, name: str) -> Path:
        """Return the final path of a file: in a folder named after its repository, or in the models folder itself.

        Raises InvalidInput for a name that cannot be stored, and for a link that leads out of the models folder.
        """
        check_name(name)
        group = _GROUP.sub("-", group).strip(".-")[:100]
        folder = self.path / group if group else self.path
        if not folder.resolve().is_relative_to(self.path.resolve()):
            raise InvalidInput("{folder} is a link that leads out of the models folder. Replace it with a folder.", folder=folder.name)
        if (folder / name).is_symlink():
            raise InvalidInput("{file} is a link in the models folder. Remove it, then try again.", file=name)
        return folder / name

    def has(self, target: Path, size_bytes: int, sha256: str | None, progress: Callable[[int], None]) -> bool:
        """Tell whether the same file is already there. Raises Conflict if a different file has its name."""
        if not target.exists():
            return False
        same = target.is_file() and target.stat().st_size == size_bytes
        if same and sha256 is not None:
            same = digest(target, progress) == sha256
        if not same:
            raise taken(str(target.relative_to(self.path)))
        return True

    def install(self, file: Path, target: Path) -> None:
        """Move a complete file to its final path. Raises Conflict if a file exists there by now."""
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # A link fails if the name is taken, unlike a rename.
            os.link(file, target)
            file.unlink()
        except FileExistsError as problem:
            raise taken(str(target.relative_to(self.path))) from problem
        except OSError:
            self._rename(file, target)

    def _rename(self, file: Path, target: Path) -> None:
        """Move a file on file systems without hard links."""
        try:
            file.rename(target)
        except OSError as problem:
            raise self._unwritable(problem) from problem

    def _unwritable(self, problem: OSError) -> Unavailable:
        return Unavailable(
            "The models folder {folder} cannot be written ({reason}). Change its permissions, or set PORTAL_MODELS_FOLDER.",
            folder=self.path, reason=problem.strerror or str(problem),
        )  # fmt: skip


def taken(name: str) -> Conflict:
    return Conflict("The models folder already has another file named {file}. Rename or remove it, then try again.", file=name)


def verify(file: Path, size_bytes: int, sha256: str | None, progress: Callable[[int], None]) -> None:
    """Compare a file with its expected size and hash, and delete it if they differ. Raises ModelFailed, and errors of `progress`."""
    wrong = file.stat().st_size != size_bytes
    if not wrong and sha256 is not None:
        wrong = digest(file, progress) != sha256.lower()
    if wrong:
        file.unlink(missing_ok=True)
        raise ModelFailed("The file {file} is not what the hub announced (SHA-256 differs), so it was deleted. Try again.", file=file.name)


def digest(file: Path, progress: Callable[[int], None]) -> str:
    """Return the SHA-256 of a file in hex. progress: called with the number of bytes read."""
    known = hashlib.sha256()
    read = 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            known.update(block)
            read += len(block)
            progress(read)
    return known.hexdigest()


def in_words(size: int) -> str:
    """Format a number of bytes in decimal units."""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
