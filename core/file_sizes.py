"""Read the size of a file that another thread or process may remove at that moment."""

from __future__ import annotations

from pathlib import Path
from stat import S_ISREG


def size_of(path: Path) -> int:
    """Return the size of a file in bytes; 0 if there is no such file. Links are followed."""
    try:
        found = path.stat()
    except OSError:
        return 0
    return found.st_size if S_ISREG(found.st_mode) else 0
