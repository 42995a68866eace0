"""Extract the text of PDF and Word documents, each in a separate `worker` process that a document cannot harm."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO

from core.errors import Busy, InvalidInput, Unavailable
from core.knowledge.ports import OnPlace
from data.documents.reading_queue import ReadingQueue, Turn

CPU_S = 60
WALL_S = 60.0
MEMORY_BYTES = 1 << 30
MOST_CHARS = 5_000_000
AT_ONCE, MOST_OPEN = 2, 6
"""Documents read at once, and documents begun: a long one pauses while others are read."""
WAIT_S = 120.0
"""Seconds that a document waits for its turn to begin."""
TICK_S, PLACE_S = 0.1, 0.5
"""Seconds between checks whether a document must pause, and between reports of its queue position."""
WORKER = Path(__file__).with_name("worker.py")
_LOG = logging.getLogger(__name__)
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
        most_chars: int = MOST_CHARS,
        at_once: int = AT_ONCE,
        wait_s: float = WAIT_S,
        worker: Path = WORKER,
    ) -> None:
        """cpu_s, wall_s, memory_bytes, most_chars: limits for one document.

        wait_s: how long a document waits for its turn. worker: the program that reads it.
        """
        self._limits = {"cpu_s": cpu_s, "memory_bytes": memory_bytes, "most_chars": most_chars}
        self._wall_s = wall_s
        self._wait_s = wait_s
        self._worker = worker
        self._most_chars = most_chars
        self._queue = ReadingQueue(at_once, at_once + MOST_OPEN - AT_ONCE)

    def text(self, name: str, content: bytes, person: str = "", on_place: OnPlace | None = None) -> str:
        """Return the text; form feeds separate the pages of a PDF. Raises as the port says."""
        turn = self._queue.enter(person)
        try:
            self._await(turn, on_place)
            answer = self._ask(content, turn, on_place)
        finally:
            self._queue.leave(turn)
        if "error" in answer:
            raise InvalidInput(_REFUSED[answer["error"]], name=name, limit=f"{self._most_chars:,}")
        return answer["text"]

    def _await(self, turn: Turn, on_place: OnPlace | None) -> None:
        """Wait until it is this document's turn. Raises Busy if it is not begun in time, and what on_place raises."""
        while not self._queue.wait(turn, min(PLACE_S, self._wait_s)):
            if not turn.begun and self._queue.waited_s(turn) >= self._wait_s:
                raise Busy("Other documents are being processed. Try again in a minute.", retry_after=60)
            if on_place:
                on_place(self._queue.place(turn))

    def _ask(self, content: bytes, turn: Turn, on_place: OnPlace | None) -> dict[str, str]:
        # Isolated and without the portal's environment, which may contain secrets, and whose path would lead to other programs.
        command = [sys.executable, "-I", str(self._worker), json.dumps(self._limits)]
        try:
            child = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env={"LC_ALL": "C.UTF-8", "PATH": ""})
        except OSError as problem:
            _LOG.error("the document reader could not start: %s", problem)
            raise Unavailable(_UNAVAILABLE) from problem
        # By a thread: after a time limit, communicate() does not go on writing the rest of its input (CPython 3.11).
        giver, child.stdin = threading.Thread(target=_give, args=(child.stdin, content)), None
        giver.start()
        with child:
            try:
                told = self._told(child, turn, on_place)
            finally:
                if child.poll() is None:
                    child.kill()
                giver.join()
        return self._answer(child, *told) if told else {"error": "heavy"}

    def _told(self, child: Popen[bytes], turn: Turn, on_place: OnPlace | None) -> tuple[bytes, bytes] | None:
        """What the process says in the end; None where it takes too long. It stops while others have their turn."""
        while self._queue.ran_s(turn) < self._wall_s:
            with suppress(subprocess.TimeoutExpired):
                return child.communicate(timeout=TICK_S)
            if self._queue.is_due(turn):
                child.send_signal(signal.SIGSTOP)
                self._queue.pause(turn)
                self._await(turn, on_place)
                child.send_signal(signal.SIGCONT)
        return None

    def _answer(self, child: Popen[bytes], said: bytes, complained: bytes) -> dict[str, str]:
        if child.returncode < 0:
            _LOG.warning("a document reader was ended by %s", signal.strsignal(-child.returncode))
            return {"error": "heavy"}
        if child.returncode > 0:
            last = complained.decode("utf-8", "replace").strip().rpartition("\n")[2]
            _LOG.error("the document reader failed: %s", last[:300])
            raise Unavailable(_UNAVAILABLE)
        answer: dict[str, str] = json.loads(said)
        return answer


def _give(pipe: IO[bytes] | None, content: bytes) -> None:
    """Write the document to a process that may be killed meanwhile."""
    assert pipe is not None
    with suppress(OSError), pipe:
        pipe.write(content)
