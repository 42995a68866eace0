"""The models loaded in this process: load, follow, drain, unload. A failure never touches the models that run."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.errors import Conflict, InvalidInput, NotFound, PortalError, Unavailable
from core.generation import AdapterFile, DeviceMemory, LoadedModel, LoadSettings, MemoryPlan, ModelFile, ModelKind, ModelState
from models import machine
from models.adapter_facts import ChosenAdapter, check_matches, choose, read_adapter
from models.catalog import Catalog
from models.chat_template import ChatTemplate
from models.child.model import AGAIN, ChildModel
from models.embedding.embedding_platform import EmbeddingPlatform
from models.embedding.llama_embedder import LlamaEmbedder
from models.engine import native
from models.engine.llama_backend import LlamaBackend
from models.engine.metrics import EngineMetrics
from models.engine.parked_files import ParkedFiles
from models.gguf import read_header
from models.last_run import RunRecord
from models.load_trial import try_to_load
from models.memory_plan import LoadPlan, check_fits, plan_load
from models.model_facts import ModelFacts, fingerprint, read_facts
from models.platforms.local import LocalPlatform
from models.remembered_settings import RememberedSettings

DRAIN_S = 30.0
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Entry:
    """A model in the pool. Changed under the pool's lock; progress by the loading thread alone."""

    facts: ModelFacts
    plan: LoadPlan
    adapters: tuple[ChosenAdapter, ...] = ()
    state: ModelState = ModelState.LOADING
    version: str = ""
    device: str = ""
    platform: LocalPlatform | EmbeddingPlatform | None = None
    progress: float = 0.0
    memory_bytes: int = 0
    error: str | None = None
    becomes_default: bool = False
    """Once it is ready: until then, and if it fails, the default stays what it was."""
    isolated: bool = False
    unwanted: bool = False
    """Unloaded, or the portal stops: a load that runs gives up."""
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.facts.file.name

    @property
    def chats(self) -> bool:
        return self.facts.file.kind is ModelKind.CHAT


class Pool:
    """Fulfils core's ModelPool. Safe from any thread."""

    def __init__(
        self,
        models_folder: Path,
        builtin: Path,
        *,
        notes: Path,
        extra_buffers: bool = True,
        files: ParkedFiles | None = None,
        record: RunRecord | None = None,
    ) -> None:
        """models_folder: where people put GGUFs. builtin: the guide. notes: a file to remember settings in. extra_buffers: False where
        the self test died with them. files: where conversations go that memory has no room for; the pool closes them. record: where
        engines note what they do, for the next start should this process die of it.
        """
        self._record = record
        self._catalog = Catalog(models_folder, builtin)
        self._builtin = builtin
        self._remembered = RememberedSettings(notes)
        self._extra_buffers = extra_buffers
        self._files = files
        self._entries: dict[str, _Entry] = {}
        self._default: str | None = None
        self._lock = threading.RLock()
        self._closing = False
        native.start()

    # ModelPool

    def loaded(self) -> Sequence[LoadedModel]:
        with self._lock:
            models = [self._describe(entry) for entry in self._entries.values()]
        return sorted(models, key=lambda model: not model.default)

    def files(self) -> Sequence[ModelFile]:
        return self._catalog.files()

    def adapters(self) -> Sequence[AdapterFile]:
        return self._catalog.adapters()

    def read_file(self, path: Path) -> ModelFile:
        return read_facts(path).file

    def plan(self, file: ModelFile, settings: LoadSettings) -> MemoryPlan:
        return self._plan(read_facts(file.path), settings).memory

    def remembered(self, path: Path) -> LoadSettings | None:
        return self._remembered.of(path)

    def load(self, path: Path, settings: LoadSettings, *, default: bool = False) -> LoadedModel:
        facts = read_facts(path)
        if default and facts.file.kind is not ModelKind.CHAT:
            raise _not_for_chats(facts.file.name)
        plan = self._plan(facts, settings)
        check_fits(facts, plan.memory)
        adapters = _chosen_adapters(facts, settings)
        options = replace(plan.options, adapters=[(one.key, str(one.path), one.scale) for one in adapters])
        plan = replace(plan, options=options)
        with self._lock:
            if self._closing:
                raise Unavailable("The portal is stopping.")
            known = self._entries.get(facts.file.name)
            if known and known.state is not ModelState.FAILED:
                raise Conflict("A model named {model} is loaded already. Unload it first.", model=facts.file.name)
            self._remembered.keep(path, settings)
            entry = self._entries[facts.file.name] = _Entry(
                facts,
                plan,
                adapters,
                device=plan.memory.device,
                becomes_default=default,
                isolated=settings.isolated and facts.file.kind is ModelKind.CHAT,
            )
            self._spawn(entry, self._load, f"load {entry.name}")
            return self._describe(entry)

    def make_default(self, name: str) -> None:
        """Raises NotFound, Conflict if it is not ready or not for chats."""
        with self._lock:
            if not self._entry(name).chats:
                raise _not_for_chats(name)
            if self._entry(name).state is not ModelState.READY:
                raise Conflict("The model {model} is not ready.", model=name)
            self._default = name

    def unload(self, name: str) -> None:
        with self._lock:
            entry = self._entry(name)
            entry.unwanted = True
            if entry.state is ModelState.FAILED:
                self._remove(entry)
            elif entry.state in (ModelState.READY, ModelState.RESTARTING):
                entry.state = ModelState.DRAINING
                self._choose_default()
                self._spawn(entry, self._drain, f"unload {name}")

    # For the router and for metrics

    def knows(self, name: str) -> bool:
        with self._lock:
            return name in self._entries

    def platform(self, name: str | None) -> LocalPlatform:
        """The named chat model's platform, or the default one's. Raises NotFound, Unavailable, InvalidInput (not for chats)."""
        with self._lock:
            chats = [entry.name for entry in self._entries.values() if entry.chats]
            wanted = name or self._default or next(iter(chats), None)
            if wanted is None:
                raise Unavailable("No model is loaded. Ask an admin to load one on the Models page.")
            found = self._ready(wanted)
            if isinstance(found, LocalPlatform):
                return found
            raise InvalidInput(
                "The model {model} makes vectors; it cannot chat. Choose one of: {models}.", model=wanted, models=", ".join(chats) or "none"
            )

    def vectors(self, name: str | None, kind: ModelKind) -> EmbeddingPlatform:
        """The platform of the named model, or of the first one of this kind. Raises NotFound, Unavailable, InvalidInput (another kind)."""
        with self._lock:
            names = [entry.name for entry in self._entries.values() if entry.facts.file.kind is kind]
            wanted = name or next(iter(names), None)
            if wanted is None:
                raise Unavailable("No model of the kind {kind} is loaded. Ask an admin to load one on the Models page.", kind=kind.value)
            found = self._ready(wanted)
            if isinstance(found, EmbeddingPlatform) and wanted in names:
                return found
            raise InvalidInput(
                "The model {model} is not of the kind {kind}. Choose one of: {models}.",
                model=wanted,
                kind=kind.value,
                models=", ".join(names) or "none",
            )

    def _ready(self, wanted: str) -> LocalPlatform | EmbeddingPlatform:
        """Under the lock."""
        if wanted not in self._entries:
            raise NotFound("There is no model {model}. Choose one of: {models}.", model=wanted, models=", ".join(self._entries) or "none")
        entry = self._entries[wanted]
        if entry.state is ModelState.READY and entry.platform is not None:
            return entry.platform
        if entry.state is ModelState.RESTARTING:
            raise Unavailable(AGAIN, name=wanted)
        if entry.state is ModelState.LOADING:
            raise Unavailable("The model {model} is still loading. Try again in a moment.", model=wanted)
        raise Unavailable("The model {model} is not available now.", model=wanted)

    def metrics(self) -> dict[str, EngineMetrics]:
        """Of every running engine, by the model's name."""
        with self._lock:
            platforms = {name: entry.platform for name, entry in self._entries.items() if entry.platform is not None}
        return {name: platform.metrics() for name, platform in platforms.items()}

    def memory(self) -> Sequence[DeviceMemory]:
        """Of the host and of each GPU that llama.cpp can use, now."""
        host = machine.host_memory()
        gpus = [DeviceMemory(gpu.name, gpu.free_bytes, gpu.total_bytes) for gpu in native.gpus()]
        return [DeviceMemory("host", host.free, host.total), *gpus]

    def close(self, timeout: float = 5.0) -> None:
        """Refuse new loads, end what runs, free everything. Returns within about `timeout` seconds."""
        with self._lock:
            self._closing = True
            entries = list(self._entries.values())
            for entry in entries:
                entry.unwanted = True
        deadline = time.monotonic() + timeout
        for entry in entries:
            if entry.platform is not None and not entry.platform.close(max(0.1, deadline - time.monotonic())):
                _log.warning("model %s did not stop within %.0f s", entry.name, timeout)
            for thread in entry.threads:
                thread.join(max(0.1, deadline - time.monotonic()))
        with self._lock:
            self._entries.clear()
            self._default = None
        if self._files is not None:
            self._files.close()

    # Loading and unloading, each in a thread of its own

    def _load(self, entry: _Entry) -> None:
        try:
            platform = self._start(entry)
        except PortalError as error:
            self._failed(entry, str(error))
        except Exception as error:  # noqa: BLE001 - shown as the reason; the other models run on
            _log.exception("loading %s failed", entry.name)
            self._failed(entry, f"It could not be loaded: {error}")
        else:
            with self._lock:
                if not entry.unwanted:
                    entry.platform, entry.state, entry.progress = platform, ModelState.READY, 1.0
                    self._default = entry.name if entry.becomes_default else self._default
                    self._choose_default()
                    _log.info("model %s is ready on %s", entry.name, entry.device)
                    return
            platform.close()
            self._remove(entry)

    def _start(self, entry: _Entry) -> LocalPlatform | EmbeddingPlatform:
        """Everything slow: fingerprint, weights, context. Raises PortalError."""
        before = _memory_taken()
        platform = self._start_chat(entry) if entry.chats else self._start_vectors(entry)
        own = platform.own_process_bytes if isinstance(platform, LocalPlatform) else 0
        entry.memory_bytes = max(0, _memory_taken() + own - before)
        return platform

    def _start_chat(self, entry: _Entry) -> LocalPlatform:
        last_step = self._record.last_step(entry.name) if self._record and not entry.isolated else None
        template = ChatTemplate(entry.facts.template, entry.name)
        try:
            template.check()
            self._check_file(entry)
            backend = self._backend(entry)
            entry.device = _device(entry.plan, backend)
        except PortalError:
            template.close()
            if last_step is not None:
                last_step.close()
            raise
        return LocalPlatform(entry.facts, entry.version, backend, template, entry.adapters, self._files, last_step)

    def _start_vectors(self, entry: _Entry) -> EmbeddingPlatform:
        self._check_file(entry)
        embedder = LlamaEmbedder(entry.facts.file.path, entry.plan.options, lambda done: self._progress(entry, done))
        entry.device = _device(entry.plan, embedder)
        return EmbeddingPlatform(entry.facts, entry.version, embedder)

    def _check_file(self, entry: _Entry) -> None:
        entry.version = fingerprint(entry.facts)
        if entry.facts.file.path != self._builtin:
            try_to_load(entry.facts.file.path, entry.plan.options)

    def _backend(self, entry: _Entry) -> LlamaBackend | ChildModel:
        path, options = entry.facts.file.path, entry.plan.options

        def progress(done: float) -> bool:
            return self._progress(entry, done)

        if entry.isolated:
            return ChildModel(entry.name, path, options, progress, lambda state, reason: self._changed(entry, state, reason))
        return LlamaBackend(path, options, progress)

    def _changed(self, entry: _Entry, state: ModelState, reason: str) -> None:
        """A process of a model's own died (RESTARTING), is back (READY), or is not started again (FAILED)."""
        platform = entry.platform
        if state is ModelState.FAILED:
            entry.platform = None
            self._failed(entry, f"Its process ended again and again: {reason}")
            if platform is not None:
                platform.close()
            return
        with self._lock:
            if entry.state in (ModelState.READY, ModelState.RESTARTING):
                entry.state, entry.error = state, reason or None

    def _progress(self, entry: _Entry, done: float) -> bool:
        entry.progress = done
        return not entry.unwanted

    def _drain(self, entry: _Entry) -> None:
        deadline = time.monotonic() + DRAIN_S
        platform = entry.platform
        assert platform is not None
        while not platform.idle and time.monotonic() < deadline and not self._closing:
            time.sleep(0.05)
        if platform.close():
            self._remove(entry)
            _log.info("model %s is unloaded", entry.name)
        else:
            self._failed(entry, "It did not stop. Restart the portal to free its memory.")

    def _failed(self, entry: _Entry, reason: str) -> None:
        with self._lock:
            if entry.unwanted and entry.platform is None:
                self._remove(entry)
                return
            entry.state, entry.error = ModelState.FAILED, reason
            self._choose_default()
        _log.error("model %s: %s", entry.name, reason)

    # Under the lock

    def _plan(self, facts: ModelFacts, settings: LoadSettings) -> LoadPlan:
        """What loads that have begun will take is not free any more."""
        with self._lock:
            loading = [entry for entry in self._entries.values() if entry.state is ModelState.LOADING]
            promised = sum(round(entry.plan.memory.needed_bytes * (1 - entry.progress)) for entry in loading)
        more = sum(adapter.path.stat().st_size for adapter in settings.adapters if adapter.path.is_file())
        facts = replace(facts, weights_bytes=facts.weights_bytes + more)
        plan = plan_load(facts, settings, extra_buffers=self._extra_buffers)
        return replace(plan, memory=replace(plan.memory, free_bytes=max(0, plan.memory.free_bytes - promised)))

    def _entry(self, name: str) -> _Entry:
        if name not in self._entries:
            raise NotFound("There is no model {model}.", model=name)
        return self._entries[name]

    def _spawn(self, entry: _Entry, work: Callable[[_Entry], None], name: str) -> None:
        thread = threading.Thread(target=work, args=(entry,), name=name, daemon=True)
        entry.threads.append(thread)
        thread.start()

    def _remove(self, entry: _Entry) -> None:
        with self._lock:
            if self._entries.get(entry.name) is entry:
                del self._entries[entry.name]
            self._choose_default()

    def _choose_default(self) -> None:
        """Keep the default while it is ready; else take the chat model that was loaded first."""
        current = self._entries.get(self._default or "")
        if current and current.state in (ModelState.READY, ModelState.RESTARTING):
            return
        ready = (entry.name for entry in self._entries.values() if entry.chats and entry.state is ModelState.READY)
        self._default = next(ready, None)

    def _describe(self, entry: _Entry) -> LoadedModel:
        metrics = entry.platform.metrics() if entry.platform is not None else None
        return LoadedModel(
            name=entry.name,
            state=entry.state,
            file=entry.facts.file,
            version=entry.version,
            platform="local",
            device=entry.device,
            context=entry.plan.memory.context,
            slots=entry.plan.memory.slots,
            slots_busy=metrics.busy if metrics else 0,
            waiting=metrics.waiting if metrics else 0,
            plan=entry.plan.memory,
            memory_bytes=entry.memory_bytes,
            progress=entry.progress,
            tokens_per_second=metrics.tokens_per_second if metrics else None,
            default=entry.name == self._default,
            error=entry.error,
            adapters=tuple(adapter.name for adapter in entry.adapters),
            isolated=entry.isolated,
        )


def _not_for_chats(name: str) -> Conflict:
    return Conflict("The model {model} makes vectors; chats cannot use it.", model=name)


def _chosen_adapters(facts: ModelFacts, settings: LoadSettings) -> tuple[ChosenAdapter, ...]:
    """Raises InvalidInput for one that is damaged or was made for another model."""
    if not settings.adapters:
        return ()
    tensors = {tensor.name: tensor.shape for path in facts.parts for tensor in read_header(path).tensors}
    for adapter in settings.adapters:
        check_matches(read_adapter(adapter.path), facts.file.name, facts.file.architecture, tensors)
    return tuple(map(choose, settings.adapters))


def _memory_taken() -> int:
    return machine.resident_bytes() + sum(gpu.total_bytes - gpu.free_bytes for gpu in native.gpus())


def _device(plan: LoadPlan, backend: LlamaBackend | ChildModel | LlamaEmbedder) -> str:
    """Where the model really runs, as llama.cpp reports it: a build may hold CUDA and still use the processor."""
    offloaded = backend.logged("layers to GPU")
    if plan.options.gpu_layers and offloaded:
        return f"{plan.memory.device}, {offloaded.partition('offloaded ')[2] or offloaded}"
    if plan.options.gpu_layers == 0 and native.machine_has_nvidia_gpu() and not native.gpus():
        return f"{plan.memory.device} (this machine's GPU is not used: llama.cpp was built without CUDA)"
    return plan.memory.device
