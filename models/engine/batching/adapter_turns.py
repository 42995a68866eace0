"""Whose adapter decodes now: llama.cpp works with one at a time, so that answers with different ones take turns."""

from __future__ import annotations

from collections.abc import Collection

TURN_S = 0.1
"""How long one adapter decodes while others wait. A change costs some milliseconds, a reader notices a pause of half a second."""


class AdapterTurns:
    """Equal turns in a circle: who waited longest is next, so that nobody waits longer than one turn of each other adapter."""

    def __init__(self) -> None:
        self._current = 0
        self._began = 0.0
        self._ended: dict[int, float] = {}

    def choose(self, adapters: Collection[int], now: float) -> int:
        """Of `adapters`, those with running answers, the one that decodes next. now: seconds on any clock that never goes back."""
        if self._current in adapters and (len(adapters) == 1 or now - self._began < TURN_S):
            return self._current
        self._ended[self._current] = now
        others = [adapter for adapter in adapters if adapter != self._current]
        self._current = min(others, key=lambda adapter: self._ended.get(adapter, -1.0))
        self._began = now
        return self._current
