"""Recognize files that have reached the limit for the size of a file (`ulimit -f`), which is no full disk."""

from __future__ import annotations

import resource
from pathlib import Path

from core.file_sizes import size_of

MARGIN = 65_536
"""The last write may have stopped this many bytes before the limit."""


def at_file_limit(*paths: Path) -> bool:
    """Tell whether one of these files is as large as this process may write."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return limit != resource.RLIM_INFINITY and any(size_of(path) >= max(1, limit - MARGIN) for path in paths)
