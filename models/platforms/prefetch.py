"""Render the beginning of a conversation's next prompt after an answer, so that the engine prefetches it while the person reads.

Templates write old answers without their thoughts. So a slot holds the next prompt only up to the answer's beginning, and the whole answer
would be prefilled again when the next question comes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.errors import PortalError
from core.inference.requests import ChatMessage, Tool

UNKNOWN = "\ufdd1"
"""Stands for the next question: a noncharacter, which no template searches for."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A conversation as it was rendered, with the answer. tokens: what its slot holds."""

    messages: Sequence[ChatMessage]
    thinking: bool
    tools: Sequence[Tool]
    tokens: Sequence[int]


class Prefetcher:
    """Renders on a separate thread, the newest turn first; of more than `most` waiting turns, the oldest are dropped. Thread-safe."""

    def __init__(self, name: str, most: int, render: Callable[[Turn], list[int]], prefetch: Callable[[list[int], list[int]], None]) -> None:
        """render: return the tokens before UNKNOWN in the turn's next prompt. prefetch: take what a slot holds, and those tokens."""
        self._render, self._prefetch = render, prefetch
        self._turns: deque[Turn] = deque(maxlen=most)
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name=f"prefetch {name}", daemon=True)
        self._thread.start()

    def after(self, turn: Turn) -> None:
        """Render the beginning of the prompt that follows this turn."""
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
                tokens = self._render(turn)
            except PortalError:
                continue  # the next question will report the error
            if tokens:
                self._prefetch(list(turn.tokens), tokens)
