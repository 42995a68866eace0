"""Conversations that had to leave their slot: their context memory kept in the host's, until they go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.engine.kv_cache.offload_files import Kept, ParkedFiles, State, Tokens, shared

WORTH_PARKING = 64
"""Tokens; fewer are computed again sooner than kept."""
MOST = 256
"""Conversations; every prompt is compared with each, which takes about 4 us."""


@dataclass(frozen=True, slots=True, eq=False)
class Parked:
    """tokens: what the slot held. state: the same as the backend's bytes. file: where it came back from, unless it came from a slot."""

    tokens: Tokens
    state: State
    file: Kept | None = None


class ParkedConversations:
    """At most `budget_bytes` of them; the one not asked for longest goes first, to `files` as `owner`'s. Not thread-safe."""

    def __init__(self, budget_bytes: int, files: ParkedFiles | None = None, owner: str = "") -> None:
        self.budget_bytes = budget_bytes
        self.bytes = 0
        self._files, self._owner = files, owner
        self._kept: list[Parked] = []
        """The one used last is the last."""

    def __len__(self) -> int:
        return len(self._kept)

    def wants(self, tokens: Sequence[int]) -> bool:
        """Whether keeping these tokens is worth their bytes: enough of them, and not the beginning of what is kept already."""
        if not self.budget_bytes or len(tokens) < WORTH_PARKING:
            return False
        row = np.asarray(tokens, np.int32)
        return all(shared(one.tokens, row) < len(row) for one in self._kept)

    def add(self, tokens: Sequence[int] | Tokens, state: State, file: Kept | None = None) -> None:
        """Keep it, at the cost of the oldest; what is larger than the whole budget is not kept."""
        if state.nbytes > self.budget_bytes:
            return
        row = np.asarray(tokens, np.int32)
        for one in [one for one in self._kept if shared(one.tokens, row) == len(one.tokens)]:
            self._drop(one)
            if one.file is not file:
                self._forget(one.file)
        self._kept.append(Parked(row, state, file))
        self.bytes += state.nbytes
        while self.bytes > self.budget_bytes or len(self._kept) > MOST:
            oldest = self._kept[0]
            self._drop(oldest)
            if self._files is not None and oldest.file is None:
                self._files.add(self._owner, oldest.tokens, oldest.state)

    def best(self, prompt: Sequence[int]) -> tuple[Parked, int] | None:
        """The one that shares most with `prompt`, and how many tokens: at most all but the prompt's last."""
        if not self._kept:
            return None
        row = np.asarray(prompt[:-1], np.int32)
        found = max(self._kept, key=lambda one: shared(one.tokens, row))
        return found, shared(found.tokens, row)

    def use(self, parked: Parked, length: int) -> None:
        """`length` of it is in a slot again: kept here only if that is not most of it, as with a shared system prompt."""
        if 2 * length >= len(parked.tokens):
            self._drop(parked)
            self._forget(parked.file)
        else:
            self._kept.remove(parked)
            self._kept.append(parked)

    def _drop(self, parked: Parked) -> None:
        self._kept.remove(parked)
        self.bytes -= parked.state.nbytes

    def _forget(self, file: Kept | None) -> None:
        if self._files is not None and file is not None:
            self._files.forget(file)
