"""Manage the models loaded in this process: list, load, choose the default, unload."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from core.errors import Conflict, Unavailable
from core.models.load_settings import LoadSettings
from core.models.memory_records import DeviceMemory, MemoryPlan
from core.models.records import AdapterFile, LoadedModel, ModelFile, ModelState, Residency
from models import machine
from models.engine.kv_cache.offload_files import OffloadFiles
from models.engine.llama import native
from models.engine.stats.metrics import STUCK_S, EngineMetrics
from models.gguf.folder import Catalog
from models.gguf.room import Room
from models.platforms.local import LocalPlatform
from models.platforms.local_vectors import EmbeddingPlatform
from models.serving.loader import Loader
from models.serving.pool.budget import MemoryBudget
from models.serving.pool.leases import Leases
from models.serving.pool.loading import Loading
from models.serving.pool.registry import ModelRegistry
from models.serving.pool.residency import ResidencyKeeper
from models.serving.pool.sleeping import Sleeping
from models.serving.recent_facts import RecentFacts
from models.serving.state_files.last_run import RunRecord
from models.serving.state_files.measured_memory import MeasuredMemory
from models.serving.state_files.remembered_settings import RememberedSettings
from models.serving.swapping.versions import Versions
from models.serving.watchdog import Watchdog
from models.trials import machine_trial
from models.trials.file_buffers import FILE_BUFFERS, FileBuffers

MEASURED = "measured_memory.json"
"""Name of the file in the home with the measured memory of loads."""
_log = logging.getLogger(__name__)


class Pool:
    """Implements core's ModelPool. Safe from any thread."""

    def __init__(
        self,
        models_folder: Path,
        builtin: Path,
        *,
        settings_file: Path,
        extra_buffers: bool = True,
        files: OffloadFiles | None = None,
        record: RunRecord | None = None,
        max_wait_s: float | None = None,
        mtp: bool = False,
        gpu_sampling: bool = False,
        budget_bytes: int = 0,
    ) -> None:
        """models_folder: where people put GGUFs. builtin: the guide. settings_file: where load settings are remembered; how each file can
        be loaded is remembered beside it. extra_buffers: False if the self test crashed with them. files: storage for conversations that
        memory has no room for; the pool closes it. record: where engines record their steps, for the next start if this process crashes.
        max_wait_s: how long a question may wait for its turn; None: no limit. mtp: load MTP layers if there is room. gpu_sampling: let the
        GPU find the likeliest tokens. budget_bytes: the most that all models may take together; 0: no limit but the machine's memory.
        """
        self._builtin = builtin
        self._catalog = Catalog(models_folder, builtin)
        self._facts = RecentFacts()
        self._remembered = RememberedSettings(settings_file)
        self._files = files
        self.extra_buffers = extra_buffers
        here = machine_trial.identity(native.LIBRARY_FOLDER)
        buffers = FileBuffers(settings_file.with_name(FILE_BUFFERS), here)
        measured = MeasuredMemory(settings_file.with_name(MEASURED), here)
        self._registry = ModelRegistry()
        loader = Loader(builtin, files, record, buffers, max_wait_s)
        self._budget = MemoryBudget(self._registry, budget_bytes)
        self._loading = Loading(
            self._registry, loader, measured, self._budget, extra_buffers=extra_buffers, mtp=mtp, gpu_sampling=gpu_sampling
        )
        self.sleeping = Sleeping(self._registry, self._loading)
        self.leases = Leases(self._registry, self.sleeping.wake)
        self.versions = Versions(self._registry, self._loading, self.leases, self._remembered)
        self.left_running = False
        """Whether a step of some model still runs after close(); only ending the process can stop it."""
        native.start()
        self._watchdog = Watchdog(self._watched)
        self._watchdog.start()
        sleeping = self.sleeping
        self._residents = ResidencyKeeper(
            sleeping.rules, sleeping.idle_s, sleeping.sleep, sleeping.wake, lambda: datetime.now().astimezone()
        )
        self._residents.start()

    def loaded(self) -> Sequence[LoadedModel]:
        rules = self.sleeping.rules()
        with self._registry.lock:
            models = [
                replace(entry.describe(default=entry.name == self._registry.default), residency=rules.get(entry.name, Residency()))
                for entry in self._registry.entries.values()
            ]
        models = [replace(model, guide=model.file.path == self._builtin) for model in models]
        return sorted(models, key=lambda model: not model.default)

    def replacing(self, name: str) -> bool:
        """Tell whether questions to this model wait for a load."""
        return self._registry.is_being_replaced(name)

    def files(self) -> Sequence[ModelFile]:
        return self._catalog.files()

    def adapters(self) -> Sequence[AdapterFile]:
        return self._catalog.adapters()

    def read_file(self, path: Path) -> ModelFile:
        return self._facts.of(path).file

    def plan(self, file: ModelFile, settings: LoadSettings) -> MemoryPlan:
        return self._loading.plan(self._facts.of(file.path), settings).memory

    def remembered(self, path: Path) -> LoadSettings | None:
        return self._remembered.of(path)

    def load(self, path: Path, settings: LoadSettings, *, default: bool = False, name: str | None = None) -> LoadedModel:
        entry = self._loading.prepared(path, settings, name=name)
        if default and not entry.chats:
            raise _not_for_chats(entry.name)
        with self._registry.lock:
            if self._registry.closing:
                raise Unavailable("The portal is stopping.")
            known = self._registry.entries.get(entry.name)
            if known and known.state is not ModelState.FAILED:
                raise Conflict("A model named {model} is already loaded. Unload it first.", model=entry.name)
            self._remembered.keep(path, settings)
            entry.becomes_default = default
            self._registry.entries[entry.name] = entry
            self._loading.begin(entry)
            return entry.describe(default=entry.name == self._registry.default)

    def make_default(self, name: str) -> None:
        """Make a model the default. Raises NotFound, Conflict if it is not ready or not a chat model."""
        with self._registry.lock:
            if not self._registry.entry(name).chats:
                raise _not_for_chats(name)
            if self._registry.entry(name).state not in (ModelState.READY, ModelState.SLEEPING):
                raise Conflict("The model {model} is not ready.", model=name)
            self._registry.default = name

    def reside(self, name: str, residency: Residency) -> None:
        self.sleeping.set_rule(name, residency)

    def unload(self, name: str) -> None:
        with self._registry.lock:
            entry = self._registry.entry(name)
            if self._registry.swapped(name):
                raise Conflict("The model {model} is being swapped. Wait until the swap ends, or roll it back, then unload.", model=name)
            entry.unwanted = True
            if entry.state in (ModelState.FAILED, ModelState.SLEEPING):
                self._registry.remove(entry)
            elif entry.state in (ModelState.READY, ModelState.RESTARTING):
                self._loading.begin_unload(entry)

    def metrics(self) -> dict[str, EngineMetrics]:
        """Return the metrics of every running engine, by the model's name."""
        return {name: platform.metrics() for name, platform in self._platforms().items()}

    def _platforms(self) -> dict[str, LocalPlatform | EmbeddingPlatform]:
        with self._registry.lock:
            return {name: entry.platform for name, entry in self._registry.entries.items() if entry.platform is not None}

    def _watched(self) -> dict[str, LocalPlatform | EmbeddingPlatform]:
        """Return all running platforms, including those of swaps."""
        with self._registry.lock:
            aside = {f"{entry.name} {entry.version}": entry.platform for entry in self._registry.aside if entry.platform is not None}
            return {**self._platforms(), **aside}

    def memory(self) -> Sequence[DeviceMemory]:
        """Return the current memory of the host and of each GPU that llama.cpp can use."""
        host = machine.host_memory()
        gpus = [DeviceMemory(gpu.name, gpu.free_bytes, gpu.total_bytes) for gpu in native.gpus()]
        return [DeviceMemory("host", host.free, host.total), *gpus]

    def budget(self) -> DeviceMemory | None:
        return self._budget.state()

    def room(self) -> Room:
        """Return what a load can take now."""
        return self._budget.room()

    def close(self, timeout: float = 5.0) -> None:
        """Refuse new loads, end running answers, free everything. Returns within about `timeout` seconds, without waiting for stuck models.
        """
        self._watchdog.close()
        self._residents.close()
        registry = self._registry
        with registry.lock:
            registry.closing = True
            entries = [*registry.entries.values(), *registry.aside]
            for entry in entries:
                entry.unwanted = True
        deadline = time.monotonic() + timeout
        for entry in entries:
            platform = entry.platform
            if platform is None:
                continue
            stuck = platform.metrics().step_running_s > STUCK_S
            if stuck:
                platform.restart()
            if not platform.close(0.1 if stuck else max(0.1, deadline - time.monotonic())):
                _log.warning("model %s did not stop", entry.name)
                self.left_running = True
            for thread in entry.threads:
                thread.join(max(0.1, deadline - time.monotonic()))
        with registry.lock:
            registry.entries.clear()
            registry.aside.clear()
            registry.default = None
        if self._files is not None:
            self._files.close()


def _not_for_chats(name: str) -> Conflict:
    return Conflict("{model} is an embedding or reranking model; chats cannot use it.", model=name)
