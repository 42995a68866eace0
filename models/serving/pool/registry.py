"""Keep the models of this process by name: all models, the default, and those about to be replaced."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from core.errors import NotFound, StoredError
from core.models.records import ModelState
from models.serving.pool.pool_entry import Entry
from models.serving.precedence import urgent

_STAYS = (ModelState.READY, ModelState.RESTARTING, ModelState.SLEEPING)
"""States in which the default model stays the default."""
_log = logging.getLogger(__name__)


class ModelRegistry:
    """The state that the parts of the pool share. Its fields are read and changed only under `lock`, which is reentrant."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.entries: dict[str, Entry] = {}
        self.aside: list[Entry] = []
        """Versions of swaps that load, are on trial, or finish their answers."""
        self.replacing: set[str] = set()
        """Models whose questions wait for a successor."""
        self.waking: set[str] = set()
        """Models that slept and are loading again."""
        self.default: str | None = None
        self.closing = False
        """Whether the portal stops: no more loads begin."""

    def entry(self, name: str) -> Entry:
        """Return the version that has this name. Raises NotFound."""
        with self.lock:
            if name not in self.entries:
                raise NotFound("There is no model {model}.", model=name)
            return self.entries[name]

    def swapped(self, name: str) -> bool:
        """Tell whether a swap of this model is under way."""
        with self.lock:
            return name in self.replacing or any(other.name == name for other in self.aside)

    def is_being_replaced(self, name: str) -> bool:
        """Tell whether questions to this model wait for a load."""
        with self.lock:
            return name in self.replacing or name in self.waking

    def loads_alone(self, entry: Entry) -> bool:
        """Tell whether no other load or unload runs, which would distort measurements."""
        moving = (ModelState.LOADING, ModelState.DRAINING, ModelState.RESTARTING)
        with self.lock:
            return not any(other is not entry and other.state in moving for other in (*self.entries.values(), *self.aside))

    def reserved_bytes(self, excluding: Entry | None = None) -> int:
        """Return what loads in progress will still take, without that of one entry."""
        with self.lock:
            loading = [entry for entry in (*self.entries.values(), *self.aside) if entry.state is ModelState.LOADING]
            return sum(round(entry.plan.memory.needed_bytes * (1 - entry.progress)) for entry in loading if entry is not excluding)

    def used_bytes(self, excluding: Entry | None = None) -> int:
        """Return what all models take together once the loads in progress are done, without one entry."""
        with self.lock:
            return sum(entry.used_bytes for entry in (*self.entries.values(), *self.aside) if entry is not excluding)

    def spawn(self, entry: Entry, work: Callable[[Entry], None], name: str) -> None:
        """Run a slow task for a model on its own thread. Called under the lock."""
        thread = threading.Thread(target=work, args=(entry,), name=name, daemon=True)
        entry.threads.append(thread)
        urgent(thread.start)

    def failed(self, entry: Entry, reason: StoredError) -> None:
        """Record why a model cannot answer; remove an unwanted one."""
        with self.lock:
            if entry.unwanted and entry.platform is None:
                self.remove(entry)
                return
            entry.state, entry.error = ModelState.FAILED, reason
            self.waking.discard(entry.name)
            self.choose_default()
        _log.error("model %s: %s", entry.name, reason)

    def remove(self, entry: Entry) -> None:
        with self.lock:
            if self.entries.get(entry.name) is entry:
                del self.entries[entry.name]
                self.waking.discard(entry.name)
            if entry in self.aside:
                self.aside.remove(entry)
            self.choose_default()

    def choose_default(self) -> None:
        """Keep the default while it is ready; else take the chat model that was loaded first. Called under the lock."""
        current = self.entries.get(self.default or "")
        if current and (current.state in _STAYS or current.name in self.replacing | self.waking):
            return
        ready = (entry.name for entry in self.entries.values() if entry.chats and entry.state is ModelState.READY)
        self.default = next(ready, None)
