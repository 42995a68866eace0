"""Keep two versions of a model side by side, and exchange them under the model's name."""

from __future__ import annotations

from pathlib import Path

from core.errors import Unavailable
from core.models.load_settings import LoadSettings
from core.models.records import ModelState
from models.serving.pool.leases import Leases
from models.serving.pool.loading import Loading
from models.serving.pool.pool_entry import Entry
from models.serving.pool.registry import ModelRegistry
from models.serving.state_files.remembered_settings import RememberedSettings


class Versions:
    """The steps of a hot swap. Safe from any thread."""

    def __init__(self, registry: ModelRegistry, loading: Loading, leases: Leases, remembered: RememberedSettings) -> None:
        self._registry = registry
        self._loading = loading
        self._leases = leases
        self._remembered = remembered

    def entry(self, name: str) -> Entry:
        """Return the version that answers now. Raises NotFound."""
        return self._registry.entry(name)

    def prepared(self, path: Path, settings: LoadSettings, *, name: str, freed_bytes: int = 0) -> Entry:
        """Do what Loading.prepared does."""
        return self._loading.prepared(path, settings, name=name, freed_bytes=freed_bytes)

    def load_aside(self, entry: Entry) -> None:
        """Start loading a version that no request reaches by its name yet."""
        with self._registry.lock:
            if self._registry.closing:
                raise Unavailable("The portal is stopping.")
            self._registry.aside.append(entry)
            self._loading.begin(entry)

    def exchange(self, entry: Entry) -> Entry | None:
        """Let this version answer from now on; return the previous one, which stays aside for its running answers."""
        registry = self._registry
        with registry.lock:
            old = registry.entries.get(entry.name)
            if entry in registry.aside:
                registry.aside.remove(entry)
            if old is not None:
                registry.aside.append(old)
            registry.entries[entry.name] = entry
            self._remembered.keep(entry.facts.file.path, entry.settings)
            registry.replacing.discard(entry.name)
            self._leases.share(entry, 0)
            registry.choose_default()
            return old

    def share(self, candidate: Entry, percent: int) -> None:
        """Send this share of new answers to a version that is aside; 0 ends it."""
        self._leases.share(candidate, percent)

    def hold(self, name: str) -> None:
        """Make new questions to this model wait until a new version answers: its memory is needed first."""
        with self._registry.lock:
            self._registry.replacing.add(name)

    def release(self, name: str) -> None:
        """Stop making questions wait."""
        with self._registry.lock:
            self._registry.replacing.discard(name)
            self._registry.choose_default()

    def drop(self, entry: Entry) -> bool:
        """Free the memory of a version, which ends its running answers. Returns False if it did not stop."""
        entry.unwanted = True
        platform, entry.platform = entry.platform, None
        for thread in entry.threads if platform is None else ():
            thread.join()
        freed = platform is None or platform.close()
        with self._registry.lock:
            if entry in self._registry.aside:
                self._registry.aside.remove(entry)
            if self._registry.entries.get(entry.name) is entry:
                entry.state = ModelState.DRAINING
        return freed
