"""Where a prompt goes, and what becomes of the conversation that was there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from models.engine.backend import Backend
from models.engine.parked import Parked, ParkedConversations
from models.engine.prefix_cache import PrefixCache


class ContextMemory:
    """The slots' context memory with what they hold (`prefixes`), and the host's beside it (`parked`). Used by the decode thread."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.prefixes = PrefixCache(backend.slots, backend.copy_from, can_cut=backend.can_cut)
        # What cannot be cut back cannot be used for a prompt that goes on differently, which nearly all do.
        self.parked = ParkedConversations(backend.parking_bytes if backend.can_cut else 0)
        self.restored_tokens = 0

    def place(self, prompt: Sequence[int], free: Collection[int], adapter: int = 0) -> tuple[int, int]:
        """Choose one of the `free` slots for `prompt` and fill it with as much of it as is known: (slot, length)."""
        match = self.prefixes.match(prompt, free, adapter)
        parked = self.parked.best(_keyed(prompt, adapter))
        if parked and parked[1] >= match.length + self._backend.copy_from:
            return self._unpark(*parked, self.prefixes.oldest(free), free, adapter)
        goes_on = match.source == match.slot and 2 * match.length >= len(self.prefixes.tokens[match.slot])
        if not goes_on:
            self._park(match.slot)
        if match.source != match.slot:
            self._backend.copy(match.source, match.slot, match.length)
        self._backend.cut(match.slot, match.length)
        self.prefixes.begin(match, adapter)
        return match.slot, match.length

    def _park(self, slot: int) -> None:
        tokens = _keyed(self.prefixes.tokens[slot], self.prefixes.adapters[slot])
        if self.parked.wants(tokens):
            self.parked.add(tokens, self._backend.save(slot))

    def _unpark(self, parked: Parked, shared: int, slot: int, free: Collection[int], adapter: int) -> tuple[int, int]:
        self.parked.use(parked, shared)
        self._park(slot)
        self.clear(slot)
        while not self._backend.restore(slot, parked.state):
            # Where all share one memory, what is idle gives way.
            if not (self._backend.shared_cells and self.forget_oldest(free)):
                return slot, 0
        tokens = parked.tokens[:shared].tolist()
        if adapter:
            tokens, shared = tokens[1:], shared - 1
        self._backend.cut(slot, shared)
        self.prefixes.hold(slot, tokens, adapter)
        self.restored_tokens += shared
        return slot, shared

    def forget_oldest(self, free: Collection[int]) -> bool:
        """Make room by dropping what the least used free slot remembers; False if none of them holds anything."""
        slot = self.prefixes.least_used(free)
        if slot is None:
            return False
        self._park(slot)
        self.clear(slot)
        return True

    def clear(self, slot: int) -> None:
        self._backend.cut(slot, 0)
        self.prefixes.tokens[slot].clear()


def _keyed(tokens: Sequence[int], adapter: int) -> Sequence[int]:
    """With the adapter, which is below 0 and so no token, before them: what was read with different ones has nothing in common."""
    return [adapter, *tokens] if adapter else tokens
