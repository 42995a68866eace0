"""Run the soak beside the tests: at a low priority, held to a fifth of a processor core, so that the tests do not take longer."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

COMMAND = ("-m", "bench.servers.soak", "--minutes", "15", "--share", "0.2")
PRIORITY = ("nice", "-n", "10")


class Soak:
    """A soak that was started."""

    def __init__(self, process: subprocess.Popen[bytes], file: BinaryIO) -> None:
        self._process = process
        self._file = file

    def wait(self) -> int:
        """Wait until it has ended. Returns 0 if memory did not grow and nothing failed."""
        return self._process.wait()

    def output(self) -> str:
        self._file.seek(0)
        return self._file.read().decode("utf-8", "replace").strip()

    def failures(self) -> list[str]:
        """Return the lines that say what failed."""
        return [line for line in self.output().splitlines() if line.startswith("The soak failed")]


@contextmanager
def running(python: Path, folder: Path, environment: Mapping[str, str], command: Sequence[str] = COMMAND) -> Iterator[Soak]:
    """Start the soak, and end it with the block if it still runs then."""
    with tempfile.TemporaryFile() as file:
        whole = [*PRIORITY, str(python), *command]
        process = subprocess.Popen(whole, cwd=folder, env=dict(environment), stdout=file, stderr=subprocess.STDOUT)
        try:
            yield Soak(process, file)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
