"""Keep the KV cache of conversations that lost their slot in the host's memory until they continue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.engine.kv_cache.offload_files import OffloadedFile, OffloadFiles, State, Tokens, shared

WORTH_OFFLOADING = 64
"""Tokens; fewer are computed again sooner than restored."""
MAX_CONVERSATIONS = 256
"""Conversations; every prompt is compared with each, which takes about 4 us."""


@dataclass(frozen=True, slots=True, eq=False)
class Offloaded:
    """tokens: what the slot held. state: the same as the backend's bytes. file: the file it came from, unless it came from a slot."""

    tokens: Tokens
    state: State
    file: OffloadedFile | None = None


class OffloadedConversations:
    """At most `budget_bytes` of them; the least recently used goes first, to `files` as `owner`'s. Not thread-safe."""

    def __init__(self, budget_bytes: int, files: OffloadFiles | None = None, owner: str = "") -> None:
        self.budget_bytes = budget_bytes
        self.bytes = 0
        self._files, self._owner = files, owner
        self._kept: list[Offloaded] = []
        """The most recently used is the last."""

    def __len__(self) -> int:
        return len(self._kept)

    def wants(self, tokens: Sequence[int]) -> bool:
        """Tell whether these tokens are worth keeping: enough of them, and not the beginning of what is kept already."""
        if not self.budget_bytes or len(tokens) < WORTH_OFFLOADING:
            return False
        row = np.asarray(tokens, np.int32)
        return all(shared(one.tokens, row) < len(row) for one in self._kept)

    def add(self, tokens: Sequence[int] | Tokens, state: State, file: OffloadedFile | None = None) -> None:
        """Keep a conversation, at the cost of the oldest; one larger than the whole budget is not kept."""
        if state.nbytes > self.budget_bytes:
            return
        row = np.asarray(tokens, np.int32)
        for one in [one for one in self._kept if shared(one.tokens, row) == len(one.tokens)]:
            self._drop(one)
            if one.file is not file:
                self._forget(one.file)
        self._kept.append(Offloaded(row, state, file))
        self.bytes += state.nbytes
        while self.bytes > self.budget_bytes or len(self._kept) > MAX_CONVERSATIONS:
            oldest = self._kept[0]
            self._drop(oldest)
            if self._files is not None and oldest.file is None:
                self._files.add(self._owner, oldest.tokens, oldest.state)

    def best(self, prompt: Sequence[int]) -> tuple[Offloaded, int] | None:
        """Return the one that shares most with `prompt`, and how many tokens: at most all but the prompt's last."""
        if not self._kept:
            return None
        row = np.asarray(prompt[:-1], np.int32)
        best = max(self._kept, key=lambda one: shared(one.tokens, row))
        return best, shared(best.tokens, row)

    def use(self, conversation: Offloaded, length: int) -> None:
        """Note that `length` tokens of it are in a slot again. It is kept only if that is less than half, as with a system prompt."""
        if 2 * length >= len(conversation.tokens):
            self._drop(conversation)
            self._forget(conversation.file)
        else:
            self._kept.remove(conversation)
            self._kept.append(conversation)

    def _drop(self, conversation: Offloaded) -> None:
        self._kept.remove(conversation)
        self.bytes -= conversation.state.nbytes

    def _forget(self, file: OffloadedFile | None) -> None:
        if self._files is not None and file is not None:
            self._files.forget(file)
