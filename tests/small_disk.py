"""Make a small separate disk, for tests that fill it, and limit the size of files."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a disk of 40 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", place], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this user may not mount a disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(disk: Path, left: int) -> Path:
    """Take all but `left` bytes."""
    filler = disk / "filler"
    with filler.open("ab") as file:
        try:
            while (more := shutil.disk_usage(disk).free - left) > 0:
                os.write(file.fileno(), b"\1" * min(more, MB))
        except OSError as problem:
            if problem.errno != errno.ENOSPC:
                raise
    return filler


@contextmanager
def file_limit(most: int) -> Iterator[None]:
    """Let this process and those that it starts write no file of more bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
