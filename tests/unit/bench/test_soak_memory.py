from __future__ import annotations

import mmap
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bench.servers.soak.measuring import memory_mb

FILE_BYTES = 40_000_000
CHILD = """
import mmap, sys
file = open(sys.argv[1], "rb")
mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
sum(mapped[::4096])
taken = []
for line in sys.stdin:
    taken.append(b"x" * int(line))
    print("taken", flush=True)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "library"
    path.write_bytes(b"\1" * FILE_BYTES)
    return path


@pytest.fixture
def child(file: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-I", "-c", CHILD, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        take(process, 1)  # by then it has read the file
        yield process
        process.kill()


def take(process: subprocess.Popen[str], size: int) -> None:
    assert process.stdin is not None and process.stdout is not None
    print(size, file=process.stdin, flush=True)
    assert process.stdout.readline() == "taken\n"


def test_what_other_processes_map_does_not_change_the_memory(child: subprocess.Popen[str], file: Path) -> None:
    alone = memory_mb(child.pid)
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        sum(mapped[::4096])
        assert memory_mb(child.pid) == pytest.approx(alone, abs=1)


def test_what_a_process_takes_counts(child: subprocess.Popen[str]) -> None:
    before = memory_mb(child.pid)
    take(child, 40_000_000)
    assert memory_mb(child.pid) - before == pytest.approx(40, abs=2)


def test_a_process_that_has_ended_is_named() -> None:
    with subprocess.Popen([sys.executable, "-I", "-c", ""]) as process:
        process.wait()
        with pytest.raises(psutil.NoSuchProcess):
            memory_mb(process.pid)
