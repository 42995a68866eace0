"""Turn tokens into text as they come: never half a character, never the beginning of a stop string."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class Detokenizer:
    """Converts the tokens of one answer. Text that may still become a stop string is held back."""

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._unfinished = b""
        """The first bytes of a character."""
        self._stop = tuple(stop)
        self._held = ""
        self.stopped = False
        """Whether a stop string or stop token came; it and what follows are not text."""
        self.stop: str | None = None
        """The stop string that ended the answer."""

    def feed(self, piece: bytes) -> str:
        """Return the text that is certain after this token."""
        if self.stopped:
            return self._rest()
        text = self._decoded(piece)
        if not self._stop:
            return text
        self._held += text
        first = min(((at, stop) for stop in self._stop if (at := self._held.find(stop)) >= 0), default=None)
        if first is not None:
            text, self._held, self.stopped, self.stop = self._held[: first[0]], "", True, first[1]
            return text
        keep = max(self._overlap(stop) for stop in self._stop)
        text, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return text

    def finish(self) -> str:
        """Return what was held back, without the first bytes of a character that never came."""
        if self.stopped:
            return ""
        return self._rest()

    def _decoded(self, piece: bytes) -> str:
        data = self._unfinished + piece
        text, used = codecs.utf_8_decode(data, "replace", False)
        self._unfinished = data[used:]
        return text

    def _rest(self) -> str:
        text, self._held = self._held, ""
        self._unfinished = b""
        return text

    def _overlap(self, stop: str) -> int:
        """Return the length of the longest end of the held text that begins `stop`."""
        for length in range(min(len(stop) - 1, len(self._held)), 0, -1):
            if self._held.endswith(stop[:length]):
                return length
        return 0
