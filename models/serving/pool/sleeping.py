"""Unload models that may sleep until someone asks them, and load them again."""

from __future__ import annotations

import time

from core.errors import InvalidInput, PortalError, StoredError
from core.models.records import ModelState, Residency
from models.serving.pool.loading import Loading
from models.serving.pool.pool_entry import Entry
from models.serving.pool.registry import ModelRegistry


class Sleeping:
    """Carries out the decisions of residency.py."""

    def __init__(self, registry: ModelRegistry, loading: Loading) -> None:
        self._registry = registry
        self._loading = loading
        self._rules: dict[str, Residency] = {}

    def rules(self) -> dict[str, Residency]:
        """Return when models leave memory and come back, by name; those without a rule stay."""
        with self._registry.lock:
            return dict(self._rules)

    def set_rule(self, name: str, residency: Residency) -> None:
        with self._registry.lock:
            if residency == Residency():
                self._rules.pop(name, None)
            else:
                self._rules[name] = residency

    def idle_s(self, name: str) -> float:
        """Return how many seconds a loaded model has been idle; 0 for one that is not loaded."""
        with self._registry.lock:
            entry = self._registry.entries.get(name)
            if entry is None or entry.state is not ModelState.READY:
                return 0.0
            if not entry.idle:
                entry.used_at = time.monotonic()
            return time.monotonic() - entry.used_at

    def sleep(self, name: str) -> bool:
        """Unload a model until someone asks it. Returns False if it is busy, being swapped, or not loaded."""
        with self._registry.lock:
            entry = self._registry.entries.get(name)
            if (
                entry is None
                or entry.state is not ModelState.READY
                or not entry.idle
                or self._registry.swapped(name)
                or self._registry.closing
            ):
                return False
            entry.state, platform, entry.platform, entry.memory_bytes = ModelState.SLEEPING, entry.platform, None, 0
        if platform is not None:
            platform.close()
        return True

    def wake(self, name: str) -> None:
        """Start loading a sleeping model; others that may sleep are unloaded if there is no memory. A failure is shown as its state."""
        with self._registry.lock:
            asleep = self._registry.entries.get(name)
            if asleep is None or asleep.state is not ModelState.SLEEPING or self._registry.closing:
                return
            asleep.state, asleep.progress = ModelState.LOADING, 0.0
            self._registry.waking.add(name)
            self._registry.spawn(asleep, self._wake, f"wake {name}")

    def _wake(self, asleep: Entry) -> None:
        try:
            entry = self._prepared_with_room(asleep)
        except PortalError as problem:
            self._registry.failed(asleep, StoredError.of(problem))
            return
        entry.threads = asleep.threads
        with self._registry.lock:
            if asleep.unwanted:
                self._registry.remove(asleep)
                return
            self._registry.entries[entry.name] = entry
        self._loading.load(entry)

    def _prepared_with_room(self, asleep: Entry) -> Entry:
        """Plan the load of a sleeping model; put idle ones to sleep, the longest idle first, until it fits. Raises InvalidInput."""
        names = sorted((self.idle_s(name), name) for name, rule in self.rules().items() if rule.idle_minutes is not None)
        while True:
            try:
                return self._loading.prepared(asleep.facts.file.path, asleep.settings, name=asleep.name, replaces=asleep)
            except InvalidInput:
                if not names or not self.sleep(names.pop()[1]):
                    raise
