"""Choose the LoRA adapter that decodes now: llama.cpp uses one at a time, so answers with different ones take turns."""

from __future__ import annotations

from collections.abc import Collection

TURN_S = 0.1
"""How long one adapter decodes while others wait. A change costs some milliseconds, a reader notices a pause of half a second."""


class AdapterTurns:
    """Gives equal turns in a circle: the adapter that waited longest is next, so none waits longer than one turn of each other one."""

    def __init__(self) -> None:
        self._current = 0
        self._began = 0.0
        self._ended: dict[int, float] = {}

    def choose(self, adapters: Collection[int], now: float) -> int:
        """Return the adapter that decodes next, of those with running answers. now: seconds on any monotonic clock."""
        if self._current in adapters and (len(adapters) == 1 or now - self._began < TURN_S):
            return self._current
        self._ended[self._current] = now
        others = [adapter for adapter in adapters if adapter != self._current]
        self._current = min(others, key=lambda adapter: self._ended.get(adapter, -1.0))
        self._began = now
        return self._current
