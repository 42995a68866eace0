"""Extract the text of PDF and Word documents, each in a separate `worker` process that a document cannot harm."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
from pathlib import Path

from core.errors import Busy, InvalidInput, Unavailable

CPU_S = 60
WALL_S = 60.0
MEMORY_BYTES = 1 << 30
MOST_CHARS = 5_000_000
AT_ONCE = 2
WAIT_S = 30.0
"""Seconds to wait for a running reader to finish."""
_WORKER = Path(__file__).with_name("worker.py")
_LOG = logging.getLogger(__name__)
_UNAVAILABLE = "PDF and Word documents cannot be read at the moment. Try again later, or ask an admin: the log says why."
_REFUSED = {
    "damaged": "{name} is damaged and cannot be read. Open it in its own program, save it again, and attach the new file.",
    "encrypted": "{name} is password-protected. Save a copy without a password and attach that.",
    "no text": "{name} contains no text; it may be a scan. Run text recognition (OCR) on it and attach the result.",
    "long": "{name} has more than {limit} characters. Attach only the part your question is about.",
    "heavy": "{name} takes too much time or memory to read. Attach only the part you need, or save it as text.",
}


class ProcessDocumentReader:
    """Reads a limited number of documents at once; thread-safe."""

    def __init__(
        self,
        *,
        cpu_s: int = CPU_S,
        wall_s: float = WALL_S,
        memory_bytes: int = MEMORY_BYTES,
        most_chars: int = MOST_CHARS,
        at_once: int = AT_ONCE,
        wait_s: float = WAIT_S,
    ) -> None:
        """cpu_s, wall_s, memory_bytes, most_chars: limits for one document. wait_s: how long a document waits for its turn."""
        self._limits = {"cpu_s": cpu_s, "memory_bytes": memory_bytes, "most_chars": most_chars}
        self._wall_s = wall_s
        self._wait_s = wait_s
        self._most_chars = most_chars
        self._free = threading.BoundedSemaphore(at_once)

    def text(self, name: str, content: bytes) -> str:
        """Return the text; form feeds separate the pages of a PDF. Raises as the port says."""
        if not self._free.acquire(timeout=self._wait_s):
            raise Busy("Other documents are being processed. Try again in a minute.", retry_after=60)
        try:
            answer = self._ask(content)
        finally:
            self._free.release()
        if "error" in answer:
            raise InvalidInput(_REFUSED[answer["error"]], name=name, limit=f"{self._most_chars:,}")
        return answer["text"]

    def _ask(self, content: bytes) -> dict[str, str]:
        # Isolated and without the portal's environment, which may contain secrets, and whose path would lead to other programs.
        command = [sys.executable, "-I", str(_WORKER), json.dumps(self._limits)]
        try:
            child = subprocess.run(
                command, input=content, capture_output=True, timeout=self._wall_s, check=False, env={"LC_ALL": "C.UTF-8", "PATH": ""}
            )
        except subprocess.TimeoutExpired:
            return {"error": "heavy"}
        except OSError as problem:
            _LOG.error("the document reader could not start: %s", problem)
            raise Unavailable(_UNAVAILABLE) from problem
        if child.returncode < 0:
            _LOG.warning("a document reader was ended by %s", signal.strsignal(-child.returncode))
            return {"error": "heavy"}
        if child.returncode > 0:
            last = child.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            _LOG.error("the document reader failed: %s", last[:300])
            raise Unavailable(_UNAVAILABLE)
        answer: dict[str, str] = json.loads(child.stdout)
        return answer
