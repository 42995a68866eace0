"""After an answer: what its conversation's next prompt will begin with, told to the engine while the reader reads.

Templates write old answers otherwise than the model said them: without their thoughts. So a slot holds the next prompt only up to the
answer's beginning, and the whole answer would be read again when the next question comes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.errors import PortalError
from core.inference.requests import ChatMessage, Tool
from models.engine.sequence import Sequence as Running

UNKNOWN = "\ufdd1"
"""Stands for the next question: a noncharacter, which no template looks for."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A conversation as it was rendered, the answer included, and the engine's ended sequence."""

    messages: Sequence[ChatMessage]
    thinking: bool
    tools: Sequence[Tool]
    sequence: Running


class LookAhead:
    """Renders on a thread of its own, the newest turn first; of more than `most` that wait, the oldest are left out. Thread-safe."""

    def __init__(self, name: str, most: int, expected: Callable[[Turn], list[int]], expect: Callable[[list[int], list[int]], None]) -> None:
        """expected: the tokens before UNKNOWN in the turn's rendering. expect: whom to tell them."""
        self._expected, self._expect = expected, expect
        self._turns: deque[Turn] = deque(maxlen=most)
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name=f"look ahead {name}", daemon=True)
        self._thread.start()

    def after(self, turn: Turn) -> None:
        with self._changed:
            self._turns.append(turn)
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._turns and not self._closing:
                    self._changed.wait()
                if self._closing:
                    return
                turn = self._turns.pop()
            try:
                tokens = self._expected(turn)
            except PortalError:
                continue  # the next question will say what is wrong
            if tokens:
                self._expect(list(turn.sequence.tokens), tokens)
