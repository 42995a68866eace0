"""Choose the slot of a prompt, and what happens to the conversation in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from models.engine.backend import Backend, Part
from models.engine.images import whole_length
from models.engine.kv_cache.offload import Offloaded, OffloadedConversations
from models.engine.kv_cache.offload_files import OffloadFiles
from models.engine.kv_cache.prefetch import Prefetch
from models.engine.kv_cache.prefix_cache import Match, PrefixCache


@dataclass(slots=True)
class Reused:
    """The sources of prompt tokens that were not computed again. Together they are the cached tokens."""

    slot: int = 0
    """Held by the conversation's own slot since its last answer."""
    prefetched: int = 0
    """Held by it because they were prefetched."""
    copied: int = 0
    """From another conversation's slot."""
    host: int = 0
    """From the host's memory."""
    disk: int = 0


class KvCache:
    """The slots with their content, the host's memory behind them (`offloaded`), and the disk behind that. Only the decode thread uses
    the backend. The content of slots is recorded under the engine's lock, so that other threads may ask.
    """

    def __init__(self, backend: Backend, files: OffloadFiles | None = None, lock: AbstractContextManager[Any] | None = None) -> None:
        """lock: the engine's, which is reentrant."""
        self._backend = backend
        self._lock = lock or nullcontext()
        self._prefixes = PrefixCache(backend.slots, backend.copy_from, can_cut=backend.can_cut)
        self._files, self._owner = files, uuid4().hex
        # A slot that cannot be cut back is useless for a prompt that continues differently, which nearly all do.
        self.offloaded = OffloadedConversations(backend.offload_bytes if backend.can_cut else 0, files, self._owner)
        self.prefetch = Prefetch(self._prefixes, backend.slots)
        self.reused = Reused()
        self._copied_from: set[int] = set()
        self._copied_to: set[int] = set()
        """Between streams, llama.cpp copies with the next decode, and what the source holds by then: until that the source must not be
        restored into, nor the target saved or restored into."""

    # What the slots hold

    @property
    def cells(self) -> int:
        """Return the tokens held by all slots together; those that two slots share count twice."""
        return self._prefixes.cells

    def held(self) -> list[list[int]]:
        """Return a copy of what each slot holds."""
        with self._lock:
            return [list(self._prefixes.held(slot)) for slot in range(self._backend.slots)]

    def length(self, slot: int) -> int:
        return self._prefixes.length(slot)

    def adapter(self, slot: int) -> int:
        return self._prefixes.adapter(slot)

    def touch(self, slot: int) -> None:
        self._prefixes.touch(slot)

    def decoded(self) -> None:
        """Note that a decode has made the copies."""
        self._copied_from.clear()
        self._copied_to.clear()

    def wrote(self, parts: Sequence[Part]) -> None:
        """Note that a decode has written the parts, of draft tokens those that were accepted."""
        with self._lock:
            for part in parts:
                tokens = part.tokens[: part.known + (part.accepted or 0)] if part.draft_tokens else part.tokens
                self._prefixes.extend(part.slot, tokens)

    def cut(self, slot: int, length: int) -> None:
        """Forget what the slot holds from `length` on."""
        self._backend.cut(slot, length)
        with self._lock:
            self._prefixes.cut(slot, length)

    def clear(self, slot: int) -> None:
        """Empty the slot."""
        self.cut(slot, 0)
        self.prefetch.use(slot, 0)

    def forget_oldest(self, free: Collection[int]) -> bool:
        """Make room by emptying the least recently used free slot; False if none of them holds anything."""
        slot = self._prefixes.least_used(free)
        if slot is None:
            return False
        self._offload(slot)
        self.clear(slot)
        return True

    # Slot choice

    def choose(
        self, prompt: Sequence[int], free: Collection[int], idle: Collection[int], adapter: int = 0, *, counted: bool = True
    ) -> tuple[int, int]:
        """Choose one of the `free` slots for `prompt`, fill it with as much of it as is known, and return (slot, length).

        idle: all slots without a sequence; `free` are some of them. A conversation that continues elsewhere leaves its own slot behind.
        """
        reused = self.reused if counted else Reused()
        match = self._prefixes.match(prompt, free, adapter)
        offloaded = self._offloaded(prompt, adapter)
        pending = self._copied_from | self._copied_to
        writable = [slot for slot in free if slot not in pending] or [slot for slot in idle if slot not in pending]
        if offloaded and writable and offloaded[1] >= match.length + self._backend.copy_from:
            return self._restore(*offloaded, writable, adapter, reused)
        continues = match.source == match.slot and 2 * match.length >= self._prefixes.length(match.slot)
        if not continues:
            self._offload(match.slot)
        if match.source == match.slot:
            self._go_on(match, adapter, reused)
        else:
            self._copy(match, adapter, reused)
            if match.source in idle and self._prefixes.continues(match.source, prompt):
                self._prefixes.release(match.source)
        return match.slot, match.length

    def _go_on(self, match: Match, adapter: int, reused: Reused) -> None:
        self._backend.cut(match.slot, match.length)
        self._prefixes.begin(match, adapter)
        prefetched = self.prefetch.use(match.slot, match.length)
        reused.prefetched += prefetched
        reused.slot += match.length - prefetched

    def _copy(self, match: Match, adapter: int, reused: Reused) -> None:
        self._backend.copy(match.source, match.slot, match.length)
        if not self._backend.shared_cells:
            self._copied_from.add(match.source)
            self._copied_to.add(match.slot)
        self._backend.cut(match.slot, match.length)
        self._prefixes.begin(match, adapter)
        self.prefetch.use(match.slot, 0)
        reused.copied += match.length

    # Offload

    def _offloaded(self, prompt: Sequence[int], adapter: int) -> tuple[Offloaded, int] | None:
        """Return the offloaded conversation that shares most with `prompt`, and how much; no image in part."""
        keyed = _keyed(prompt, adapter)
        best = self.offloaded.best(keyed)
        return best and (best[0], whole_length(keyed, best[1]))

    def _offload(self, slot: int) -> None:
        """Keep what the slot holds in the host's memory, if it is worth it."""
        tokens = _keyed(self._prefixes.held(slot), self._prefixes.adapter(slot))
        if slot not in self._copied_to and not self._prefixes.is_duplicate(slot) and self.offloaded.wants(tokens):
            self.offloaded.add(tokens, self._backend.save(slot))

    def _restore(self, offloaded: Offloaded, shared: int, free: Collection[int], adapter: int, reused: Reused) -> tuple[int, int]:
        slot = self._prefixes.oldest(free)
        self.offloaded.use(offloaded, shared)
        self._offload(slot)
        self.clear(slot)
        while not self._backend.restore(slot, offloaded.state):
            # Where all slots share one KV cache, idle ones make room.
            if not (self._backend.shared_cells and self.forget_oldest(free)):
                self._prefixes.hold(slot, [], adapter)
                return slot, 0
        tokens = offloaded.tokens[:shared].tolist()
        if adapter:
            tokens, shared = tokens[1:], shared - 1
        self._backend.cut(slot, shared)
        self._prefixes.hold(slot, tokens, adapter)
        if offloaded.file is None:
            reused.host += shared
        else:
            reused.disk += shared
        return slot, shared

    def load_from_disk(self, prompt: Sequence[int], adapter: int) -> None:
        """Load what the disk has of `prompt` into the host's memory, on the asking thread, unless it is nearer already."""
        if self._files is None:
            return
        keyed = _keyed(prompt, adapter)
        best = self._files.best(self._owner, keyed)
        if best is None:
            return
        file, shared = best
        with self._lock:
            nearer = self._prefixes.longest(prompt, adapter)
            offloaded = self.offloaded.best(keyed)
        if shared < max(nearer, offloaded[1] if offloaded else 0) + self._backend.copy_from:
            return
        state = self._files.read(file)
        if state is not None:
            with self._lock:
                self.offloaded.add(file.tokens, state, file)

    @property
    def on_disk(self) -> tuple[int, int, int]:
        """Return (conversations, their bytes, how many could not be written or read)."""
        return (0, 0, 0) if self._files is None else self._files.held(self._owner)

    def close(self) -> None:
        """Remove this model's files."""
        if self._files is not None:
            self._files.forget_all(self._owner)


def _keyed(tokens: Sequence[int], adapter: int) -> Sequence[int]:
    """Put the adapter, which is below 0 and so no token, first: what different adapters computed has nothing in common."""
    return [adapter, *tokens] if adapter else tokens
