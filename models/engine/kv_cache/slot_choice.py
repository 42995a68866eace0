"""Where a prompt goes, and what becomes of the conversation that was there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from models.engine.backend import Backend
from models.engine.kv_cache.offload import Parked, ParkedConversations
from models.engine.kv_cache.offload_files import ParkedFiles
from models.engine.kv_cache.prefetch import ReadAhead
from models.engine.kv_cache.prefix_cache import PrefixCache


@dataclass(slots=True)
class Reused:
    """Where the tokens of prompts were known from. Together they are the cached tokens."""

    slot: int = 0
    """Held by the conversation's own slot since its last answer."""
    ahead: int = 0
    """Held by it because they were read ahead."""
    copied: int = 0
    """From another conversation's slot."""
    host: int = 0
    disk: int = 0


class ContextMemory:
    """The slots' context memory with what they hold (`prefixes`), the host's beside it (`parked`), and the disk behind that.

    Used by the decode thread, under the engine's lock where another thread may ask.
    """

    def __init__(self, backend: Backend, files: ParkedFiles | None = None) -> None:
        self._backend = backend
        self.prefixes = PrefixCache(backend.slots, backend.copy_from, can_cut=backend.can_cut)
        self._files, self._owner = files, uuid4().hex
        # What cannot be cut back cannot be used for a prompt that goes on differently, which nearly all do.
        self.parked = ParkedConversations(backend.parking_bytes if backend.can_cut else 0, files, self._owner)
        self.ahead = ReadAhead(self.prefixes)
        self.reused = Reused()
        self._copied_from: set[int] = set()
        self._copied_to: set[int] = set()
        """Between streams, llama.cpp copies no sooner than the next decode, and what the source holds by then: until that the one must not
        be restored into, nor the other saved or restored into."""

    def decoded(self) -> None:
        """A decode has made the copies."""
        self._copied_from.clear()
        self._copied_to.clear()

    def place(
        self, prompt: Sequence[int], free: Collection[int], idle: Collection[int], adapter: int = 0, *, counted: bool = True
    ) -> tuple[int, int]:
        """Choose one of the `free` slots for `prompt` and fill it with as much of it as is known: (slot, length).

        idle: all that nobody answers in, which `free` may be some of. A conversation that goes on elsewhere leaves its own slot behind.
        """
        reused = self.reused if counted else Reused()
        match = self.prefixes.match(prompt, free, adapter)
        parked = self.parked.best(_keyed(prompt, adapter))
        pending = self._copied_from | self._copied_to
        writable = [slot for slot in free if slot not in pending] or [slot for slot in idle if slot not in pending]
        if parked and writable and parked[1] >= match.length + self._backend.copy_from:
            return self._unpark(*parked, writable, adapter, reused)
        goes_on = match.source == match.slot and 2 * match.length >= len(self.prefixes.tokens[match.slot])
        if not goes_on:
            self._park(match.slot)
        if match.source != match.slot:
            self._backend.copy(match.source, match.slot, match.length)
            if not self._backend.shared_cells:
                self._copied_from.add(match.source)
                self._copied_to.add(match.slot)
        self._backend.cut(match.slot, match.length)
        self.prefixes.begin(match, adapter)
        if match.source != match.slot:
            self.ahead.used(match.slot, 0)
            reused.copied += match.length
            if match.source in idle and self.prefixes.goes_on(match.source, prompt):
                self.prefixes.leave(match.source)
        else:
            ahead = self.ahead.used(match.slot, match.length)
            reused.ahead += ahead
            reused.slot += match.length - ahead
        return match.slot, match.length

    def _park(self, slot: int) -> None:
        tokens = _keyed(self.prefixes.tokens[slot], self.prefixes.adapters[slot])
        if slot not in self._copied_to and not self.prefixes.held_elsewhere(slot) and self.parked.wants(tokens):
            self.parked.add(tokens, self._backend.save(slot))

    def _unpark(self, parked: Parked, shared: int, free: Collection[int], adapter: int, reused: Reused) -> tuple[int, int]:
        slot = self.prefixes.oldest(free)
        self.parked.use(parked, shared)
        self._park(slot)
        self.clear(slot)
        while not self._backend.restore(slot, parked.state):
            # Where all share one memory, what is idle gives way.
            if not (self._backend.shared_cells and self.forget_oldest(free)):
                self.prefixes.hold(slot, [], adapter)
                return slot, 0
        tokens = parked.tokens[:shared].tolist()
        if adapter:
            tokens, shared = tokens[1:], shared - 1
        self._backend.cut(slot, shared)
        self.prefixes.hold(slot, tokens, adapter)
        if parked.file is None:
            reused.host += shared
        else:
            reused.disk += shared
        return slot, shared

    def bring_back(self, prompt: Sequence[int], adapter: int, lock: AbstractContextManager[Any]) -> None:
        """From the disk to the host's memory, on the asking thread, what is known of `prompt` there and nowhere nearer."""
        keyed = _keyed(prompt, adapter)
        found = self._files.best(self._owner, keyed) if self._files is not None else None
        if self._files is None or found is None:
            return
        file, shared = found
        with lock:
            nearer = self.prefixes.longest(prompt, adapter)
            parked = self.parked.best(keyed)
        if shared < max(nearer, parked[1] if parked else 0) + self._backend.copy_from:
            return
        state = self._files.read(file)
        if state is not None:
            with lock:
                self.parked.add(file.tokens, state, file)

    @property
    def on_disk(self) -> tuple[int, int, int]:
        """(conversations, their bytes, how many could not be written or read)"""
        return (0, 0, 0) if self._files is None else self._files.held(self._owner)

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
        self.ahead.used(slot, 0)

    def close(self) -> None:
        """Remove this model's files."""
        if self._files is not None:
            self._files.forget_all(self._owner)


def _keyed(tokens: Sequence[int], adapter: int) -> Sequence[int]:
    """With the adapter, which is below 0 and so no token, before them: what was read with different ones has nothing in common."""
    return [adapter, *tokens] if adapter else tokens
