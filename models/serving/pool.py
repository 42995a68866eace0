"""The models loaded in this process: load, follow, drain, unload. A failure never touches the models that run."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from core.errors import (
    BeingReplaced,
    Busy,
    Conflict,
    InvalidInput,
    ModelFailed,
    NotFound,
    PortalError,
    StoredError,
    Unavailable,
    Waking,
)
from core.inference.requests import GenerationRequest
from core.models.records import (
    AdapterFile,
    DeviceMemory,
    LoadedModel,
    LoadSettings,
    MemoryPlan,
    ModelFile,
    ModelKind,
    ModelState,
    Residency,
)
from models.child.kept_process import AGAIN
from models.embedding.embedding_platform import EmbeddingPlatform
from models.engine.kv_cache.offload_files import OffloadFiles
from models.engine.llama import native
from models.engine.stats.metrics import STUCK_S, EngineMetrics
from models.gguf.facts import ModelFacts, read_facts
from models.gguf.folder import Catalog
from models.gguf.memory_plan import LoadPlan, check_fits, plan_load
from models.gguf.tensor_check import check_model
from models.platforms.local import LocalPlatform
from models.serving import machine
from models.serving.last_run import RunRecord
from models.serving.loader import Loader, chosen_adapters
from models.serving.pool_entry import Entry
from models.serving.precedence import urgent
from models.serving.remembered_settings import RememberedSettings
from models.serving.residency import ResidencyKeeper
from models.serving.swapping.file_stamps import stamps_of
from models.serving.swapping.running_answer import RunningAnswer
from models.serving.watchdog import Watchdog
from models.trials import machine_trial
from models.trials.file_buffers import FILE_BUFFERS, FileBuffers

DRAIN_S = 30.0
_STAYS = (ModelState.READY, ModelState.RESTARTING, ModelState.SLEEPING)
"""A default model in such a state stays the default."""
_log = logging.getLogger(__name__)


class Pool:
    """Fulfils core's ModelPool. Safe from any thread."""

    def __init__(
        self,
        models_folder: Path,
        builtin: Path,
        *,
        notes: Path,
        extra_buffers: bool = True,
        files: OffloadFiles | None = None,
        record: RunRecord | None = None,
        max_wait_s: float | None = None,
        mtp: bool = False,
    ) -> None:
        """models_folder: where people put GGUFs. builtin: the guide. notes: a file to remember settings in; how each file can be loaded
        is remembered beside it. extra_buffers: False where the self test died with them. files: where conversations go that memory has
        no room for; the pool closes them. record: where engines note what they do, for the next start should this process die of it.
        max_wait_s: how long a question may wait for its turn; None: as long as it takes. mtp: load MTP layers where there is room.
        """
        self._builtin = builtin
        self._catalog = Catalog(models_folder, builtin)
        self._builtin = builtin
        self._remembered = RememberedSettings(notes)
        self._extra_buffers = extra_buffers
        self._mtp = mtp
        self._files = files
        buffers = FileBuffers(notes.with_name(FILE_BUFFERS), machine_trial.identity(native.LIBRARY_FOLDER))
        self._loader = Loader(builtin, files, record, buffers, max_wait_s)
        self._entries: dict[str, Entry] = {}
        self._aside: list[Entry] = []
        """Versions of swaps that load, are on trial, or finish their answers."""
        self._shares: dict[str, tuple[Entry, int]] = {}
        """By the model's name, a version on trial and the percentage of new answers that it gives."""
        self._replacing: set[str] = set()
        """Models whose questions wait for a successor."""
        self._residency: dict[str, Residency] = {}
        self._waking: set[str] = set()
        """Models that slept and are loading again."""
        self._default: str | None = None
        self._lock = threading.RLock()
        self.left_running = False
        """After close(): a step of some model runs on, which only the end of the process can stop."""
        self._closing = False
        native.start()
        self._watchdog = Watchdog(self._watched)
        self._watchdog.start()
        self._residents = ResidencyKeeper(self._rules, self.idle_s, self.sleep, self.wake, lambda: datetime.now().astimezone())
        self._residents.start()

    # ModelPool

    def loaded(self) -> Sequence[LoadedModel]:
        with self._lock:
            entries = list(self._entries.values())
            models = [
                replace(entry.describe(default=entry.name == self._default), residency=self._residency.get(entry.name, Residency()))
                for entry in entries
            ]
        models = [replace(model, guide=model.file.path == self._builtin) for model in models]
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

    def load(self, path: Path, settings: LoadSettings, *, default: bool = False, name: str | None = None) -> LoadedModel:
        entry = self.prepared(path, settings, name=name)
        if default and not entry.chats:
            raise _not_for_chats(entry.name)
        with self._lock:
            if self._closing:
                raise Unavailable("The portal is stopping.")
            known = self._entries.get(entry.name)
            if known and known.state is not ModelState.FAILED:
                raise Conflict("A model named {model} is already loaded. Unload it first.", model=entry.name)
            self._remembered.keep(path, settings)
            entry.becomes_default = default
            self._entries[entry.name] = entry
            self._spawn(entry, self._load, f"load {entry.name}")
            return entry.describe(default=entry.name == self._default)

    def make_default(self, name: str) -> None:
        """Raises NotFound, Conflict if it is not ready or not for chats."""
        with self._lock:
            if not self._entry(name).chats:
                raise _not_for_chats(name)
            if self._entry(name).state not in (ModelState.READY, ModelState.SLEEPING):
                raise Conflict("The model {model} is not ready.", model=name)
            self._default = name

    def unload(self, name: str) -> None:
        with self._lock:
            entry = self._entry(name)
            if name in self._replacing or any(other.name == name for other in self._aside):
                raise Conflict("The model {model} is being swapped. Wait until the swap ends, or roll it back, then unload.", model=name)
            entry.unwanted = True
            if entry.state in (ModelState.FAILED, ModelState.SLEEPING):
                self._remove(entry)
            elif entry.state in (ModelState.READY, ModelState.RESTARTING):
                entry.state = ModelState.DRAINING
                self._choose_default()
                self._spawn(entry, self._drain, f"unload {name}")

    # For a hot swap: see hot_swap.py

    def prepared(self, path: Path, settings: LoadSettings, *, name: str | None = None, freed_bytes: int = 0) -> Entry:
        """Read, plan and check a file without loading it. Raises InvalidInput.

        name: what people call the model; None: by its file. freed_bytes: what another model will free before the load.
        """
        facts = read_facts(path)
        stamps = stamps_of(facts.parts)
        if name is not None:
            facts = replace(facts, file=replace(facts.file, name=name))
        plan = self._plan(facts, settings)
        check_fits(facts, replace(plan.memory, free_bytes=plan.memory.free_bytes + freed_bytes))
        check_model(facts.headers, facts.file.architecture)
        adapters = chosen_adapters(facts, settings)
        options = replace(plan.options, adapters=[(one.key, str(one.path), one.scale) for one in adapters])
        return Entry(
            facts=facts, plan=replace(plan, options=options), adapters=adapters, device=plan.memory.device, isolated=settings.isolated,
            settings=settings, stamps=stamps,
        )  # fmt: skip

    def entry(self, name: str) -> Entry:
        """Raises NotFound."""
        with self._lock:
            return self._entry(name)

    def load_aside(self, entry: Entry) -> None:
        """Start loading a version that no request reaches by its name yet."""
        with self._lock:
            if self._closing:
                raise Unavailable("The portal is stopping.")
            self._aside.append(entry)
            self._spawn(entry, self._load, f"load {entry.name}")

    def exchange(self, entry: Entry) -> Entry | None:
        """Let this version answer from now on; returns the one that did, which stays aside for its running answers."""
        with self._lock:
            old = self._entries.get(entry.name)
            if entry in self._aside:
                self._aside.remove(entry)
            if old is not None:
                self._aside.append(old)
            self._entries[entry.name] = entry
            self._remembered.keep(entry.facts.file.path, entry.settings)
            self._replacing.discard(entry.name)
            self._shares.pop(entry.name, None)
            self._choose_default()
            return old

    def share(self, candidate: Entry, percent: int) -> None:
        """Send this share of new answers to a version that is aside; 0 ends it."""
        with self._lock:
            if percent:
                self._shares[candidate.name] = (candidate, percent)
            else:
                self._shares.pop(candidate.name, None)

    def hold(self, name: str) -> None:
        """Make new questions to this model wait until a successor answers: its memory is needed first."""
        with self._lock:
            self._replacing.add(name)

    def release(self, name: str) -> None:
        """Stop making questions wait."""
        with self._lock:
            self._replacing.discard(name)
            self._choose_default()

    def replacing(self, name: str) -> bool:
        with self._lock:
            return name in self._replacing or name in self._waking

    def drop(self, entry: Entry) -> bool:
        """Free the memory of a version; what still runs on it ends. False if it did not stop."""
        entry.unwanted = True
        platform, entry.platform = entry.platform, None
        for thread in entry.threads if platform is None else ():
            thread.join()
        freed = platform is None or platform.close()
        with self._lock:
            if entry in self._aside:
                self._aside.remove(entry)
            if self._entries.get(entry.name) is entry:
                entry.state = ModelState.DRAINING
        return freed

    # For models that sleep: see residency.py

    def reside(self, name: str, residency: Residency) -> None:
        with self._lock:
            if residency == Residency():
                self._residency.pop(name, None)
            else:
                self._residency[name] = residency

    def _rules(self) -> dict[str, Residency]:
        with self._lock:
            return dict(self._residency)

    def idle_s(self, name: str) -> float:
        """How long a model that is loaded has had nothing to do; 0 for one that is not."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None or entry.state is not ModelState.READY:
                return 0.0
            if not entry.idle:
                entry.used_at = time.monotonic()
            return time.monotonic() - entry.used_at

    def sleep(self, name: str) -> bool:
        """Unload a model until somebody asks it. False if it has something to do, is being swapped, or is not loaded."""
        with self._lock:
            entry = self._entries.get(name)
            swapped = name in self._replacing or any(other.name == name for other in self._aside)
            if entry is None or entry.state is not ModelState.READY or not entry.idle or swapped or self._closing:
                return False
            entry.state, platform, entry.platform, entry.memory_bytes = ModelState.SLEEPING, entry.platform, None, 0
        if platform is not None:
            platform.close()
        return True

    def wake(self, name: str) -> None:
        """Start loading a model that sleeps; others that may sleep give way if there is no memory. A failure is shown as its state."""
        with self._lock:
            asleep = self._entries.get(name)
            if asleep is None or asleep.state is not ModelState.SLEEPING or self._closing:
                return
            asleep.state, asleep.progress = ModelState.LOADING, 0.0
            self._waking.add(name)
            self._spawn(asleep, self._wake, f"wake {name}")

    def _wake(self, asleep: Entry) -> None:
        try:
            entry = self._prepared_with_room(asleep)
        except PortalError as problem:
            self._failed(asleep, StoredError.of(problem))
            return
        entry.threads = asleep.threads
        with self._lock:
            if asleep.unwanted:
                self._remove(asleep)
                return
            self._entries[entry.name] = entry
        self._load(entry)

    def _prepared_with_room(self, asleep: Entry) -> Entry:
        """Plan the load of a sleeping model; put idle ones to sleep, the longest idle first, until it fits. Raises InvalidInput."""
        names = sorted((self.idle_s(name), name) for name, rule in self._residency.items() if rule.idle_minutes is not None)
        while True:
            try:
                return self.prepared(asleep.facts.file.path, asleep.settings, name=asleep.name)
            except InvalidInput:
                if not names or not self.sleep(names.pop()[1]):
                    raise

    # For the router and for metrics

    def start(self, request: GenerationRequest) -> RunningAnswer:
        """Start an answer on the version that the model's name means now. Raises as `platform` and LocalPlatform.start do."""
        entry, platform, token, candidate = self._lease(request)
        try:
            return RunningAnswer(platform.start(request), entry.open, token, entry.tally)
        except (Busy, Unavailable, ModelFailed):
            entry.open.discard(token)
            if not candidate:
                raise
            if entry.tally is not None:
                entry.tally.ends.append((True, False))
        except BaseException:
            entry.open.discard(token)
            raise
        # A version that is still on trial could not answer: the one it would replace does.
        entry, platform, token, _ = self._lease(request, candidates=False)
        try:
            return RunningAnswer(platform.start(request), entry.open, token, entry.tally)
        except BaseException:
            entry.open.discard(token)
            raise

    def _lease(self, request: GenerationRequest, *, candidates: bool = True) -> tuple[Entry, LocalPlatform, object, bool]:
        """Choose the version for an answer, and hold it: a swap waits for what it holds."""
        token = object()
        with self._lock:
            wanted = request.model or self._default
            if wanted in self._replacing:
                raise BeingReplaced(wanted or "")
            platform = self.platform(request.model)
            entry = self._entries[platform.facts.file.name]
            candidate, percent = self._shares.get(entry.name, (None, 0))
            chosen = candidates and candidate is not None and _falls_to(request, percent)
            if chosen and candidate is not None and isinstance(candidate.platform, LocalPlatform) and candidate.state is ModelState.READY:
                candidate.open.add(token)
                return candidate, candidate.platform, token, True
            entry.open.add(token)
            return entry, platform, token, False

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
                "{model} is an embedding or reranking model and cannot chat. Choose one "
                "of: {models}.", model=wanted, models=", ".join(chats) or "none"
            )

    def vectors(self, name: str | None, kind: ModelKind) -> EmbeddingPlatform:
        """The platform of the named model, or of the first one of this kind. Raises NotFound, Unavailable, InvalidInput (another kind)."""
        with self._lock:
            names = [entry.name for entry in self._entries.values() if entry.facts.file.kind is kind]
            wanted = name or next(iter(names), None)
            if wanted is None:
                raise Unavailable("No {kind} model is loaded. Ask an admin to load one on the Models page.", kind=kind.value)
            found = self._ready(wanted)
            if isinstance(found, EmbeddingPlatform) and wanted in names:
                return found
            raise InvalidInput(
                "{model} is not a model for {kind}. Choose one of: {models}.",
                model=wanted,
                kind=kind.value,
                models=", ".join(names) or "none",
            )

    def _ready(self, wanted: str) -> LocalPlatform | EmbeddingPlatform:
        """Under the lock."""
        if wanted not in self._entries:
            raise NotFound("There is no model {model}. Choose one of: {models}.", model=wanted, models=", ".join(self._entries) or "none")
        entry = self._entries[wanted]
        entry.used_at = time.monotonic()
        if entry.state is ModelState.READY and entry.platform is not None:
            return entry.platform
        if entry.state is ModelState.SLEEPING:
            self.wake(wanted)
        if wanted in self._waking:
            raise Waking(wanted)
        if entry.state is ModelState.RESTARTING:
            raise Unavailable(AGAIN, name=wanted)
        if entry.state is ModelState.LOADING:
            raise Unavailable("The model {model} is still loading. Try again in a moment.", model=wanted)
        raise Unavailable("The model {model} is unavailable.", model=wanted)

    def metrics(self) -> dict[str, EngineMetrics]:
        """Of every running engine, by the model's name."""
        return {name: platform.metrics() for name, platform in self._platforms().items()}

    def _platforms(self) -> dict[str, LocalPlatform | EmbeddingPlatform]:
        with self._lock:
            return {name: entry.platform for name, entry in self._entries.items() if entry.platform is not None}

    def _watched(self) -> dict[str, LocalPlatform | EmbeddingPlatform]:
        """All platforms that run, those of swaps too."""
        with self._lock:
            aside = {f"{entry.name} {entry.version}": entry.platform for entry in self._aside if entry.platform is not None}
            return {**self._platforms(), **aside}

    def memory(self) -> Sequence[DeviceMemory]:
        """Of the host and of each GPU that llama.cpp can use, now."""
        host = machine.host_memory()
        gpus = [DeviceMemory(gpu.name, gpu.free_bytes, gpu.total_bytes) for gpu in native.gpus()]
        return [DeviceMemory("host", host.free, host.total), *gpus]

    def close(self, timeout: float = 5.0) -> None:
        """Refuse new loads, end what runs, free everything. Returns within about `timeout` seconds, and waits for no stuck model."""
        self._watchdog.close()
        self._residents.close()
        with self._lock:
            self._closing = True
            entries = [*self._entries.values(), *self._aside]
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
        with self._lock:
            self._entries.clear()
            self._aside.clear()
            self._default = None
        if self._files is not None:
            self._files.close()

    # Loading and unloading, each in a thread of its own

    def _load(self, entry: Entry) -> None:
        try:
            platform = self._loader.load(entry, lambda state, reason: self._changed(entry, state, reason))
        except PortalError as error:
            self._failed(entry, StoredError.of(error))
        except Exception as error:  # noqa: BLE001 - shown as the reason; the other models run on
            _log.exception("loading %s failed", entry.name)
            self._failed(entry, StoredError("It could not be loaded: {error}", {"error": str(error)}))
        else:
            with self._lock:
                if not entry.unwanted:
                    entry.platform, entry.state, entry.progress = platform, ModelState.READY, 1.0
                    entry.used_at = time.monotonic()
                    self._waking.discard(entry.name)
                    self._default = entry.name if entry.becomes_default else self._default
                    self._choose_default()
                    _log.info("model %s is ready on %s", entry.name, entry.device)
                    return
            platform.close()
            self._remove(entry)

    def _changed(self, entry: Entry, state: ModelState, reason: str) -> None:
        """A process of a model's own died (RESTARTING), is back (READY), or is not started again (FAILED)."""
        platform = entry.platform
        if state is ModelState.FAILED:
            entry.platform = None
            self._failed(entry, StoredError("Its process ended again and again: {reason}", {"reason": reason}))
            if platform is not None:
                platform.close()
            return
        with self._lock:
            if entry.state in (ModelState.READY, ModelState.RESTARTING):
                entry.state, entry.error = state, StoredError.kept(reason) if reason else None

    def _drain(self, entry: Entry) -> None:
        deadline = time.monotonic() + DRAIN_S
        platform = entry.platform
        assert platform is not None
        while not platform.idle and time.monotonic() < deadline and not self._closing:
            time.sleep(0.05)
        if platform.close():
            self._remove(entry)
            _log.info("model %s is unloaded", entry.name)
        else:
            self._failed(entry, StoredError("It did not stop. Restart the portal to free its memory."))

    def _failed(self, entry: Entry, reason: StoredError) -> None:
        with self._lock:
            if entry.unwanted and entry.platform is None:
                self._remove(entry)
                return
            entry.state, entry.error = ModelState.FAILED, reason
            self._waking.discard(entry.name)
            self._choose_default()
        _log.error("model %s: %s", entry.name, reason)

    # Under the lock

    def _plan(self, facts: ModelFacts, settings: LoadSettings) -> LoadPlan:
        """What loads that have begun will take is not free any more."""
        with self._lock:
            loading = [entry for entry in (*self._entries.values(), *self._aside) if entry.state is ModelState.LOADING]
            promised = sum(round(entry.plan.memory.needed_bytes * (1 - entry.progress)) for entry in loading)
        more = sum(adapter.path.stat().st_size for adapter in settings.adapters if adapter.path.is_file())
        facts = replace(facts, weights_bytes=facts.weights_bytes + more)
        plan = plan_load(facts, settings, extra_buffers=self._extra_buffers, mtp=self._mtp)
        return replace(plan, memory=replace(plan.memory, free_bytes=max(0, plan.memory.free_bytes - promised)))

    def _entry(self, name: str) -> Entry:
        if name not in self._entries:
            raise NotFound("There is no model {model}.", model=name)
        return self._entries[name]

    def _spawn(self, entry: Entry, work: Callable[[Entry], None], name: str) -> None:
        thread = threading.Thread(target=work, args=(entry,), name=name, daemon=True)
        entry.threads.append(thread)
        urgent(thread.start)

    def _remove(self, entry: Entry) -> None:
        with self._lock:
            if self._entries.get(entry.name) is entry:
                del self._entries[entry.name]
                self._waking.discard(entry.name)
            if entry in self._aside:
                self._aside.remove(entry)
            self._choose_default()

    def _choose_default(self) -> None:
        """Keep the default while it is ready; else take the chat model that was loaded first."""
        current = self._entries.get(self._default or "")
        if current and (current.state in _STAYS or current.name in self._replacing | self._waking):
            return
        ready = (entry.name for entry in self._entries.values() if entry.chats and entry.state is ModelState.READY)
        self._default = next(ready, None)


def _falls_to(request: GenerationRequest, percent: int) -> bool:
    """Tell whether the version on trial answers this. A conversation stays with one version: its KV cache is there."""
    key = request.conversation_id or request.id or request.user_id
    return int.from_bytes(sha256(key.encode()).digest()[:4], "big") % 100 < percent


def _not_for_chats(name: str) -> Conflict:
    return Conflict("{model} is an embedding or reranking model; chats cannot use it.", model=name)
