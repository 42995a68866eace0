"""Extract the text of PDF and Word documents, each in a separate `worker` process, which limits the harm of a hostile document."""

from __future__ import annotations

import json
from pathlib import Path

from core.errors import InvalidInput
from core.knowledge.ports import OnQueuePosition
from data.bounded_process import BoundedProcess, OverLimit
from data.documents.limits import MAX_UNPACKED

CPU_S = 60
WALL_S = 60.0
MEMORY_BYTES = 1 << 30
MAX_CHARS = 5_000_000
AT_ONCE, MAX_OPEN = 2, 6
"""Documents read at once, and documents begun: a long one pauses while others are read."""
WAIT_S = 120.0
"""Seconds that a document waits for its turn to begin."""
WORKER = Path(__file__).with_name("worker.py")
_BUSY = "Other documents are being processed. Try again in a minute."
_UNAVAILABLE = "PDF and Word documents cannot be read at the moment. Try again later, or ask an admin: the log says why."
_REFUSED = {
    "damaged": "{name} is damaged and cannot be read. Open it in its own program, save it again, and attach the new file.",
    "encrypted": "{name} is password-protected. Save a copy without a password and attach that.",
    "no text": "{name} contains no text; it may be a scan. Run text recognition (OCR) on it and attach the result.",
    "fonts": (
        "{name} has fonts whose characters cannot be identified. Save it as .docx or run text recognition (OCR) on it, and attach the "
        "result."
    ),
    "long": "{name} has more than {limit} characters. Attach only the part your question is about.",
    "unpacked": "{name} is larger than {megabytes} MB when it is unpacked. Attach only the part your question is about.",
    "heavy": "{name} takes too much time or memory to read. Attach only the part you need, or save it as text.",
}


class ProcessDocumentReader:
    """Reads a limited number of documents at once, fairly by person. Thread-safe."""

    def __init__(
        self,
        *,
        cpu_s: int = CPU_S,
        wall_s: float = WALL_S,
        memory_bytes: int = MEMORY_BYTES,
        most_chars: int = MAX_CHARS,
        at_once: int = AT_ONCE,
        wait_s: float = WAIT_S,
        worker: Path = WORKER,
    ) -> None:
        """cpu_s, wall_s, memory_bytes, most_chars: limits for one document.

        wait_s: how long a document waits for its turn. worker: the program that reads it.
        """
        self._limits = {"cpu_s": cpu_s, "memory_bytes": memory_bytes, "most_chars": most_chars}
        self._most_chars = most_chars
        self._process = BoundedProcess(
            worker,
            at_once=at_once,
            most_open=at_once + MAX_OPEN - AT_ONCE,
            wall_s=wall_s,
            wait_s=wait_s,
            busy=_BUSY,
            unavailable=_UNAVAILABLE,
        )

    def text(self, name: str, content: bytes, person: str = "", on_queue_position: OnQueuePosition | None = None) -> str:
        """Return the text; form feeds separate the pages of a PDF. Raises as the port says."""
        try:
            answer: dict[str, str] = json.loads(self._process.run(content, self._limits, person, on_queue_position))
        except OverLimit:
            answer = {"error": "heavy"}
        if "error" in answer:
            raise InvalidInput(_REFUSED[answer["error"]], name=name, limit=f"{self._most_chars:,}", megabytes=MAX_UNPACKED // 1_000_000)
        return answer["text"]
