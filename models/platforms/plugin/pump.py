"""Read the pieces of a plugin's answer on a separate thread, so that one that hangs can be left."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator

from core.plugins.platform_records import PlatformPiece

POLL_S = 0.1
"""How soon a cancelled answer is noticed while the plugin is silent."""
MAX_AHEAD = 256
"""Pieces that are read before someone takes them."""


class Silent(Exception):
    """The plugin sent nothing for too long."""


class Pump:
    """Reads pieces of one answer. One consumer."""

    def __init__(self, begin: Callable[[], Iterable[PlatformPiece]], cancelled: Callable[[], bool], name: str) -> None:
        self._pieces: queue.Queue[PlatformPiece | Exception | None] = queue.Queue(MAX_AHEAD)
        self._begin = begin
        self._cancelled = cancelled
        self._left = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"platform-{name}", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def take(self, within_s: float) -> PlatformPiece | None:
        """Return the next piece; None at the end, and once the answer is cancelled. Raises Silent, and what the plugin raises."""
        waited = 0.0
        while not self._cancelled():
            try:
                found = self._pieces.get(timeout=min(POLL_S, max(0.01, within_s - waited)))
            except queue.Empty:
                waited += POLL_S
                if waited >= within_s:
                    raise Silent from None
                continue
            if isinstance(found, Exception):
                raise found
            return found
        return None

    def leave(self) -> None:
        """Take no more pieces."""
        self._left.set()

    def gone(self) -> bool:
        return self._left.is_set() or self._cancelled()

    def _run(self) -> None:
        try:
            pieces: Iterator[PlatformPiece] = iter(self._begin())
            for piece in pieces:
                if not self._put(piece):
                    return
            self._put(None)
        except Exception as problem:  # noqa: BLE001 - whatever a plugin raises belongs to the reader of its answer
            self._put(problem)

    def _put(self, found: PlatformPiece | Exception | None) -> bool:
        """Hand something over; return False if the reader has left."""
        while not self.gone():
            try:
                self._pieces.put(found, timeout=POLL_S)
            except queue.Full:
                continue
            return True
        return False
