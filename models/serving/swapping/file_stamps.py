"""Notice that a model's file changed on disk after it was loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.errors import InvalidInput, StoredError
from models.gguf.facts import MOVED

Stamp = tuple[int, int, int]
"""Inode, size and modification time."""
CHANGED = "{file} changed on disk after it was loaded. The loaded version keeps answering; load the file again to use the new one."
GONE = "{file} is no longer on disk. The loaded version keeps answering, but it cannot be loaded at the next start. Put the file back."


def stamps_of(parts: Sequence[Path]) -> tuple[Stamp, ...]:
    """Return the stamps of the files. Raises InvalidInput if a file is gone."""
    try:
        return tuple(_stamp(path) for path in parts)
    except OSError:
        raise InvalidInput(MOVED, file=parts[0].name) from None


def _stamp(path: Path) -> Stamp:
    seen = path.stat()
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


def file_problem(parts: Sequence[Path], stamps: Sequence[Stamp]) -> StoredError | None:
    """Return what happened to the files since they had these stamps; None if they are unchanged."""
    for path, stamp in zip(parts, stamps, strict=True):
        try:
            now = _stamp(path)
        except OSError:
            return StoredError(GONE, {"file": path.name})
        if now != stamp:
            return StoredError(CHANGED, {"file": path.name})
    return None


def check_unchanged(parts: Sequence[Path], stamps: Sequence[Stamp]) -> None:
    """Raise InvalidInput if a file was replaced, changed, moved or deleted since it had these stamps."""
    if stamps_of(parts) != tuple(stamps):
        raise InvalidInput("{file} was changed while it was loading. Load it again.", file=parts[0].name)
