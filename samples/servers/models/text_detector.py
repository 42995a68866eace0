"""Run docs/examples/text_detector.py, a real detector: RapidOCR finds text on images."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samples.servers.program_clients import client_python

SCRIPT = Path(__file__).parents[3] / "docs" / "examples" / "text_detector.py"


@contextmanager
def text_detector() -> Iterator[str]:
    """Yield its address. It reads small images on one thread, about 0.2 s each."""
    command = [str(client_python("detector.txt")), str(SCRIPT), "--port", "0", "--side", "480", "--threads", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("http://"), "the detector did not start"
            yield f"{address}/v1"
        finally:
            process.kill()
