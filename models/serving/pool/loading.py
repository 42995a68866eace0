"""Plan, load and unload models, each load on its own thread. A failure never affects running models."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.errors import PortalError, StoredError
from core.models.load_settings import LoadSettings
from core.models.records import ModelKind, ModelState
from models.engine.llama import native
from models.gguf.facts import ModelFacts, read_facts
from models.gguf.headers.tensor_check import check_model
from models.gguf.memory_plan import LoadPlan, check_fits, plan_load
from models.gguf.projectors import projector_bytes, projector_for
from models.serving.loader import Loader, chosen_adapters
from models.serving.pool.budget import MemoryBudget
from models.serving.pool.pool_entry import Entry
from models.serving.pool.registry import ModelRegistry
from models.serving.state_files.measured_memory import MeasuredMemory
from models.serving.swapping.file_stamps import stamps_of

DRAIN_S = 30.0
"""Seconds that running answers may take before an unload stops them."""
_log = logging.getLogger(__name__)


class Loading:
    """Plans, loads and unloads the models of the roster."""

    def __init__(
        self,
        registry: ModelRegistry,
        loader: Loader,
        measured: MeasuredMemory,
        budget: MemoryBudget,
        *,
        extra_buffers: bool,
        mtp: bool,
        gpu_sampling: bool,
    ) -> None:
        self._registry = registry
        self._loader = loader
        self._measured = measured
        self._budget = budget
        self._extra_buffers = extra_buffers
        self._mtp = mtp
        self._gpu_sampling = gpu_sampling

    def plan(self, facts: ModelFacts, settings: LoadSettings, *, replaces: Entry | None = None) -> LoadPlan:
        """Plan a load. Memory that other loads in progress will take does not count as free."""
        more = sum(adapter.path.stat().st_size for adapter in settings.adapters if adapter.path.is_file())
        projector = _projector(facts, settings)
        more += projector_bytes(projector) if projector is not None else 0
        facts = replace(facts, weights_bytes=facts.weights_bytes + more)
        # The MTP layer drafts from tokens, and an image has none.
        room = self._budget.room(replaces)
        plan = plan_load(
            facts,
            settings,
            extra_buffers=self._extra_buffers,
            mtp=self._mtp and projector is None,
            gpu_sampling=self._gpu_sampling and projector is None,
            host=room.host,
            gpus=room.gpus,
        )
        plan = replace(plan, options=replace(plan.options, projector=str(projector or "")))
        plan = self._measured.corrected(facts, settings, plan)
        return replace(plan, memory=room.limited(plan.memory))

    def prepared(
        self, path: Path, settings: LoadSettings, *, name: str | None = None, freed_bytes: int = 0, replaces: Entry | None = None
    ) -> Entry:
        """Read, plan and check a file without loading it. Raises InvalidInput.

        name: the model's name for people; None: derived from its file. freed_bytes: what another model will free before the load. replaces:
        an entry that holds no memory and that the new one replaces.
        """
        facts = read_facts(path)
        stamps = stamps_of(facts.parts)
        if name is not None:
            facts = replace(facts, file=replace(facts.file, name=name))
        plan = self.plan(facts, settings, replaces=replaces)
        check_fits(facts, replace(plan.memory, free_bytes=plan.memory.free_bytes + freed_bytes))
        check_model(facts.headers, facts.file.architecture)
        adapters = chosen_adapters(facts, settings)
        options = replace(plan.options, adapters=[(one.key, str(one.path), one.scale) for one in adapters])
        return Entry(
            facts=facts, plan=replace(plan, options=options), adapters=adapters, device=plan.memory.device, isolated=settings.isolated,
            settings=settings, stamps=stamps,
        )  # fmt: skip

    def begin(self, entry: Entry) -> None:
        """Start loading. Called under the roster's lock."""
        self._registry.spawn(entry, self.load, f"load {entry.name}")

    def load(self, entry: Entry) -> None:
        """Load on the calling thread. A failure becomes the entry's state."""
        alone = self._registry.loads_alone(entry)
        try:
            platform = self._loader.load(entry, self._follower(entry))
        except PortalError as error:
            self._registry.failed(entry, StoredError.of(error))
            return
        except Exception as error:  # noqa: BLE001 - shown as the reason; the other models run on
            _log.exception("loading %s failed", entry.name)
            self._registry.failed(entry, StoredError("It could not be loaded: {error}", {"error": str(error)}))
            return
        # Memory that an earlier model freed may be used again, which hides part of what the load takes.
        if alone and self._registry.loads_alone(entry) and entry.memory_bytes >= entry.plan.memory.weights_bytes:
            self._measured.keep(entry.facts, entry.settings, entry.plan, entry.memory_bytes)
        with self._registry.lock:
            if not entry.unwanted:
                entry.platform, entry.state, entry.progress = platform, ModelState.READY, 1.0
                entry.used_at = time.monotonic()
                self._registry.waking.discard(entry.name)
                self._registry.default = entry.name if entry.becomes_default else self._registry.default
                self._registry.choose_default()
                _log.info("model %s is ready on %s", entry.name, entry.device)
                return
        platform.close()
        self._registry.remove(entry)

    def begin_unload(self, entry: Entry) -> None:
        """Let running answers finish, then free the memory. Called under the roster's lock."""
        entry.state = ModelState.DRAINING
        self._registry.choose_default()
        self._registry.spawn(entry, self._drain, f"unload {entry.name}")

    def _follower(self, entry: Entry) -> Callable[[ModelState, str], None]:
        return lambda state, reason: self._changed(entry, state, reason)

    def _changed(self, entry: Entry, state: ModelState, reason: str) -> None:
        """Record that a model's own process died (RESTARTING), is back (READY), or will not be restarted (FAILED)."""
        platform = entry.platform
        if state is ModelState.FAILED:
            entry.platform = None
            self._registry.failed(entry, StoredError("Its process ended again and again: {reason}", {"reason": reason}))
            if platform is not None:
                platform.close()
            return
        with self._registry.lock:
            if entry.state in (ModelState.READY, ModelState.RESTARTING):
                entry.state, entry.error = state, StoredError.of_text(reason) if reason else None

    def _drain(self, entry: Entry) -> None:
        deadline = time.monotonic() + DRAIN_S
        platform = entry.platform
        assert platform is not None
        while not platform.idle and time.monotonic() < deadline and not self._registry.closing:
            time.sleep(0.05)
        if platform.close():
            self._registry.remove(entry)
            _log.info("model %s is unloaded", entry.name)
        else:
            self._registry.failed(entry, StoredError("It did not stop. Restart the portal to free its memory."))


def _projector(facts: ModelFacts, settings: LoadSettings) -> Path | None:
    """Return the projector to load with a model, if any. One that the settings do not name is left out if this build cannot use it."""
    if facts.file.kind is not ModelKind.CHAT or (settings.projector is None and not native.has_multimodal()):
        return None
    return projector_for(facts.file.path, settings)
