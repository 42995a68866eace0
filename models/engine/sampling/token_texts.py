"""Hold the text of each token, for grammars, which work on characters."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

NOTHING, PART, REST, END = -1, -2, -3, -4
"""Instead of a token's first character: it has no text, begins with part of a character, begins within one, or ends an answer."""


class TokenTexts:
    """Safe from any thread."""

    def __init__(self, vocabulary: int, piece: Callable[[int], bytes], ends: Callable[[int], bool]) -> None:
        """piece: a token's bytes, none for control tokens. ends: whether the token ends an answer."""
        self.piece = piece
        self.ends = ends
        self._vocabulary = vocabulary
        self._firsts: NDArray[np.int32] | None = None
        self._lock = threading.Lock()

    def firsts(self) -> NDArray[np.int32]:
        """Return the first character of every token, or one of the marks above. Takes some 0.3 s with GLM's vocabulary, once."""
        with self._lock:
            if self._firsts is None:
                self._firsts = np.array([self._first(token) for token in range(self._vocabulary)], np.int32)
            return self._firsts

    def _first(self, token: int) -> int:
        if self.ends(token):
            return END
        data = self.piece(token)
        if not data:
            return NOTHING
        if data[0] < 0x80:
            return data[0]
        if data[0] < 0xC0:
            return REST
        length = 2 if data[0] < 0xE0 else 3 if data[0] < 0xF0 else 4
        if len(data) < length:
            return PART
        try:
            return ord(data[:length].decode())
        except UnicodeDecodeError:
            return NOTHING
