"""The text of PDF and Word documents, read by a process for each (`worker`) that no document can take anything from."""

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
"""Documents that are read, and those that are begun: a long one stops while others are read."""
WAIT_S = 120.0
"""For the turn of a document that is not begun."""
TICK_S, PLACE_S = 0.1, 0.5
"""How often it is looked whether a document is to make room, and how often its place in the queue is told."""
WORKER = Path(__file__).with_name("worker.py")
_LOG = logging.getLogger(__name__)
_UNAVAILABLE = "PDF and Word documents cannot be read now. Try again later, or ask an admin: the log says why."
_REFUSED = {
    "damaged": "{name} is damaged and cannot be read. Open it in its own program, save it anew, and attach that.",
    "encrypted": "{name} is protected by a password. Save a copy without one and attach that.",
    "no text": "{name} holds no text; it may be a scan. Have its text recognized (OCR), and attach that.",
    "fonts": "{name} has fonts whose characters cannot be told. Save it as .docx, or have its text recognized (OCR), and attach that.",
    "long": "{name} has more than {limit} characters. Attach only the part that your question is about.",
    "heavy": "{name} takes too much time or memory to read. Attach only the part that you need, or save it as text.",
}


class ProcessDocumentReader:
    """Reads so many documents at once, fair by person; safe from any thread."""

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
        self._queue = ReadingQueue(at_once, at_once + MOST_OPEN - AT_ONCE)

    def text(self, name: str, content: bytes, person: str = "", on_place: OnPlace | None = None) -> str:
        """Pages of a PDF are parted by form feeds. Raises as the port says."""
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
        """Raises Busy for a document that is not begun in time; whatever on_place raises."""
        while not self._queue.wait(turn, min(PLACE_S, self._wait_s)):
            if not turn.begun and self._queue.waited_s(turn) >= self._wait_s:
                raise Busy("Other documents are being read. Try again in a minute.", retry_after=60)
            if on_place:
                on_place(self._queue.place(turn))

    def _ask(self, content: bytes, turn: Turn, on_place: OnPlace | None) -> dict[str, str]:
        # Isolated, and without the portal's environment: it may hold secrets, and a path would lead to other programs.
        command = [sys.executable, "-I", str(self._worker), json.dumps(self._limits)]
        try:
            child = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env={"LC_ALL": "C.UTF-8", "PATH": ""})
        except OSError as problem:
            _LOG.error("The process that reads documents could not start: %s", problem)
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
            _LOG.warning("A document's reader was ended by %s", signal.strsignal(-child.returncode))
            return {"error": "heavy"}
        if child.returncode > 0:
            last = complained.decode("utf-8", "replace").strip().rpartition("\n")[2]
            _LOG.error("The process that reads documents failed: %s", last[:300])
            raise Unavailable(_UNAVAILABLE)
        answer: dict[str, str] = json.loads(said)
        return answer


def _give(pipe: IO[bytes] | None, content: bytes) -> None:
    """Write the document to a process that may be killed meanwhile."""
    assert pipe is not None
    with suppress(OSError), pipe:
        pipe.write(content)
