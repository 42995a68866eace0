"""Conversations that had to leave their slot: their context memory kept in the host's, until they go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORTH_PARKING = 64
"""Tokens; fewer are computed again sooner than kept."""
MOST = 256
"""Conversations; every prompt is compared with each, which takes about 4 us."""


@dataclass(frozen=True, slots=True, eq=False)
class Parked:
    """tokens: what the slot held. state: the same as the backend's bytes."""

    tokens: NDArray[np.int32]
    state: NDArray[np.uint8]


class ParkedConversations:
    """At most `budget_bytes` of them; the one not asked for longest goes first. Not thread-safe."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self.bytes = 0
        self._kept: list[Parked] = []
        """The one used last is the last."""

    def __len__(self) -> int:
        return len(self._kept)

    def wants(self, tokens: Sequence[int]) -> bool:
        """Whether keeping these tokens is worth their bytes: enough of them, and not the beginning of what is kept already."""
        if not self.budget_bytes or len(tokens) < WORTH_PARKING:
            return False
        row = np.asarray(tokens, np.int32)
        return all(_shared(one.tokens, row) < len(row) for one in self._kept)

    def add(self, tokens: Sequence[int], state: NDArray[np.uint8]) -> None:
        """Keep it, at the cost of the oldest; what is larger than the whole budget is not kept."""
        row = np.asarray(tokens, np.int32)
        for one in [one for one in self._kept if _shared(one.tokens, row) == len(one.tokens)]:
            self._drop(one)
        self._kept.append(Parked(row, state))
        self.bytes += state.nbytes
        while self.bytes > self.budget_bytes or len(self._kept) > MOST:
            self._drop(self._kept[0])

    def best(self, prompt: Sequence[int]) -> tuple[Parked, int] | None:
        """The one that shares most with `prompt`, and how many tokens: at most all but the prompt's last."""
        if not self._kept:
            return None
        row = np.asarray(prompt[:-1], np.int32)
        found = max(self._kept, key=lambda one: _shared(one.tokens, row))
        return found, _shared(found.tokens, row)

    def use(self, parked: Parked, shared: int) -> None:
        """It is in a slot again: kept here only if most of it is not what was asked for, as with a shared system prompt."""
        if 2 * shared >= len(parked.tokens):
            self._drop(parked)
        else:
            self._kept.remove(parked)
            self._kept.append(parked)

    def _drop(self, parked: Parked) -> None:
        self._kept.remove(parked)
        self.bytes -= parked.state.nbytes


def _shared(held: NDArray[np.int32], prompt: NDArray[np.int32]) -> int:
    length = min(len(held), len(prompt))
    if not length or held[0] != prompt[0]:
        return 0
    differ = held[:length] != prompt[:length]
    first = int(differ.argmax())
    return first if differ[first] else length
