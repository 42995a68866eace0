"""The text of PDF and Word documents, read by a process for each (`worker`) that no document can take anything from."""

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
"""For one of those at work to end."""
WORKER = Path(__file__).with_name("worker.py")
_LOG = logging.getLogger(__name__)
_UNAVAILABLE = "PDF and Word documents cannot be read now. Try again later, or ask an admin: the log says why."
_REFUSED = {
    "damaged": "{name} is damaged and cannot be read. Open it in its own program, save it anew, and attach that.",
    "encrypted": "{name} is protected by a password. Save a copy without one and attach that.",
    "no text": "{name} holds no text; it may be a scan. Have its text recognized (OCR), and attach that.",
    "long": "{name} has more than {limit} characters. Attach only the part that your question is about.",
    "heavy": "{name} takes too much time or memory to read. Attach only the part that you need, or save it as text.",
}


class ProcessDocumentReader:
    """Reads at most so many documents at once; safe from any thread."""

    def __init__(
        self,
        *,
        cpu_s: int = CPU_S,
        wall_s: float = WALL_S,
        memory_bytes: int = MEMORY_BYTES,
        most_chars: int = MOST_CHARS,
        at_once: int = AT_ONCE,
        wait_s: float = WAIT_S,
        worker: Path = WORKER,
    ) -> None:
        """cpu_s, wall_s, memory_bytes, most_chars: of one document. wait_s: how long a document waits for its turn. worker: the program
        that reads it.
        """
        self._limits = {"cpu_s": cpu_s, "memory_bytes": memory_bytes, "most_chars": most_chars}
        self._wall_s = wall_s
        self._wait_s = wait_s
        self._worker = worker
        self._most_chars = most_chars
        self._free = threading.BoundedSemaphore(at_once)

    def text(self, name: str, content: bytes) -> str:
        """Pages of a PDF are parted by form feeds. Raises as the port says."""
        if not self._free.acquire(timeout=self._wait_s):
            raise Busy("Other documents are being read. Try again in a minute.", retry_after=60)
        try:
            answer = self._ask(content)
        finally:
            self._free.release()
        if "error" in answer:
            raise InvalidInput(_REFUSED[answer["error"]], name=name, limit=f"{self._most_chars:,}")
        return answer["text"]

    def _ask(self, content: bytes) -> dict[str, str]:
        # Isolated, and without the portal's environment: it may hold secrets, and a path would lead to other programs.
        command = [sys.executable, "-I", str(self._worker), json.dumps(self._limits)]
        try:
            child = subprocess.run(
                command, input=content, capture_output=True, timeout=self._wall_s, check=False, env={"LC_ALL": "C.UTF-8", "PATH": ""}
            )
        except subprocess.TimeoutExpired:
            return {"error": "heavy"}
        except OSError as problem:
            _LOG.error("The process that reads documents could not start: %s", problem)
            raise Unavailable(_UNAVAILABLE) from problem
        if child.returncode < 0:
            _LOG.warning("A document's reader was ended by %s", signal.strsignal(-child.returncode))
            return {"error": "heavy"}
        if child.returncode > 0:
            last = child.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            _LOG.error("The process that reads documents failed: %s", last[:300])
            raise Unavailable(_UNAVAILABLE)
        answer: dict[str, str] = json.loads(child.stdout)
        return answer
