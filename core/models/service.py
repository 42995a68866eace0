"""Run the models of this server: plan, load, unload, and choose the default."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.changes.markers import mark
from core.changes.records import Change
from core.clock import Clock
from core.errors import NotFound, PortalError, StoredError
from core.models.evictions import eviction, evictions_for
from core.models.load_settings import LoadSettings
from core.models.memory_records import DeviceMemory, Eviction, MemoryPlan
from core.models.ports import ModelPool, StartList
from core.models.records import AdapterFile, LoadedModel, ModelFile, ModelState, Residency
from core.models.start_records import Crash, StartModel, StartProblem
from core.people.audit_events import record, record_alone
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory

_log = logging.getLogger(__name__)


class ModelService:
    """Plans, loads, unloads and lists the models of this server."""

    def __init__(
        self,
        pool: ModelPool,
        unit_of_work: UnitOfWorkFactory,
        clock: Clock,
        folder: Path,
        start_list: StartList,
        crashes: Sequence[Crash] = (),
    ) -> None:
        self._pool = pool
        self._start_list = start_list
        self._refused: dict[str, StartProblem] = {}
        """Problems of models whose load at the start was refused, by name."""
        self._wanted: set[str] = set()
        """The names of all models to load at the start."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self.folder = folder
        """The folder where admins put GGUF files."""
        self._crashes = crashes

    def loaded(self, user: User) -> Sequence[LoadedModel]:
        require(user, Permission.RUN_MODELS)
        return self._pool.loaded()

    def memory(self, user: User) -> Sequence[DeviceMemory]:
        """Return the current memory of the host and of each GPU."""
        require(user, Permission.RUN_MODELS)
        return self._pool.memory()

    def budget(self, user: User) -> DeviceMemory | None:
        """Return the total memory limit for all models and what is left of it; None if there is no limit."""
        require(user, Permission.RUN_MODELS)
        return self._pool.budget()

    def last_crash(self, user: User) -> Crash | None:
        """Return the crash of the previous run; None if it did not crash in native code."""
        require(user, Permission.RUN_MODELS)
        return self._crashes[-1] if self._crashes else None

    def record_crashes(self) -> None:
        """Record crashes that were found at the start in the audit log."""
        for crash in self._crashes:
            details = {"error": crash.error[:500], "doing": crash.doing or "", "requests": " ".join(crash.requests)[:2000]}
            record_alone(self._unit_of_work, self._clock(), None, "model.crash", crash.model or "none", **details)

    def files(self, user: User) -> Sequence[ModelFile]:
        require(user, Permission.RUN_MODELS)
        return self._pool.files()

    def adapters(self, user: User) -> Sequence[AdapterFile]:
        """List the LoRA adapters in the models folder."""
        require(user, Permission.RUN_MODELS)
        return self._pool.adapters()

    def read_file(self, user: User, path: Path) -> ModelFile:
        require(user, Permission.RUN_MODELS)
        return self._pool.read_file(path)

    def plan(self, user: User, file: ModelFile, settings: LoadSettings) -> MemoryPlan:
        require(user, Permission.RUN_MODELS)
        return self._pool.plan(file, settings)

    def evictions(self, user: User, plan: MemoryPlan) -> Sequence[Eviction]:
        """Return the models to unload so that a plan fits, and who uses them now; empty if it fits, or cannot fit at all."""
        require(user, Permission.RUN_MODELS)
        if plan.fits:
            return ()
        with self._unit_of_work() as work:
            group_models, presets = work.offers.group_models(), work.offers.presets()
        return evictions_for(plan, self._pool.loaded(), group_models, presets)

    def eviction(self, user: User, name: str) -> Eviction:
        """Return who uses a model now and would be affected if it were unloaded. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        model = next((model for model in self._pool.loaded() if model.name == name), None)
        if model is None:
            raise NotFound("There is no model {model}.", model=name)
        with self._unit_of_work() as work:
            return eviction(model, work.offers.group_models(), work.offers.presets())

    def remembered(self, user: User, file: ModelFile) -> LoadSettings | None:
        """Return how this file was last loaded; None if it never was."""
        require(user, Permission.RUN_MODELS)
        return self._pool.remembered(file.path)

    def load(
        self, user: User, path: Path, settings: LoadSettings, *, default: bool = False, at_start: bool = True
    ) -> LoadedModel:
        """Start loading a model. A refusal does not affect running models. at_start: also load it at every start of the portal."""
        require(user, Permission.RUN_MODELS)
        loading = self._pool.load(path, settings, default=default)
        self._refused.pop(loading.name, None)
        self._wanted.discard(loading.name)
        self._keep(StartModel(name=loading.name, path=path.absolute(), settings=settings, default=default), at_start)
        self._record_change(user, Change.LOAD, loading.name)
        return loading

    def load_at_start(self, first: StartModel, refusals: Mapping[str, StoredError]) -> None:
        """Start loading the first model and those in the start list. Models that cannot be loaded become start problems.

        refusals: the reasons, by model name, why a model must not be loaded in the portal's own process.
        """
        kept = [model for model in self._start_list.all() if model.path != first.path.absolute()]
        if any(model.default for model in kept):
            first = replace(first, default=False)
        own = next((model for model in self._start_list.all() if model.name == first.name), None)
        if own is not None:
            first = replace(first, residency=own.residency)
        successor = next((model for model in kept if model.name == first.name), None)
        if successor is None:
            self._load_at_start(first, refusals)
        for model in kept:
            if not self._load_at_start(model, refusals) and model is successor:
                # The version of a swap cannot be loaded. The previous version is better than none.
                self._load_at_start(replace(first, default=model.default), refusals)

    def _load_at_start(self, model: StartModel, refusals: Mapping[str, StoredError]) -> bool:
        reason = None if model.settings.isolated else refusals.get(model.name)
        self._wanted.add(model.name)
        if reason is None:
            try:
                self._pool.load(model.path, model.settings, default=model.default, name=model.name)
                self._pool.reside(model.name, model.residency)
            except PortalError as problem:
                reason = StoredError.of(problem)
        if reason is not None:
            _log.error("the model %s was not loaded at the start: %s", model.name, reason)
            self._refused[model.name] = StartProblem(model.name, model.path, reason)
        return reason is None

    def loaded_at_start(self, name: str) -> bool:
        """Tell whether this name belongs to the model of the settings or to one in the start list."""
        return name in self._wanted or any(model.name == name for model in self._start_list.all())

    def start_problems(self, user: User) -> Sequence[StartProblem]:
        """List the models that were not loaded at the start although they should have been."""
        require(user, Permission.RUN_MODELS)
        failed = [
            StartProblem(model.name, model.file.path, model.error or StoredError("It could not be loaded."))
            for model in self._pool.loaded()
            if model.state is ModelState.FAILED and model.name in self._wanted
        ]
        return [*self._refused.values(), *failed]

    def names_at_start(self, user: User) -> frozenset[str]:
        """Return the names of the models in the start list."""
        require(user, Permission.RUN_MODELS)
        return frozenset(model.name for model in self._start_list.all())

    def keep(self, user: User, name: str, *, at_start: bool) -> None:
        """Add a loaded model to the start list, or remove it from the list. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        model = next((model for model in self._pool.loaded() if model.name == name), None)
        if model is None:
            raise NotFound("There is no model {model}.", model=name)
        path = model.file.path.absolute()
        self._keep(
            StartModel(name=name, path=path, settings=self._pool.remembered(path) or LoadSettings(), default=model.default), at_start
        )
        record_alone(self._unit_of_work, self._clock(), user.id, "model.keep" if at_start else "model.leave_out", name)

    def _keep(self, model: StartModel, at_start: bool) -> None:
        if at_start:
            self._start_list.keep(model)
        else:
            self._start_list.forget(model.name)

    def reside(self, user: User, name: str, residency: Residency) -> None:
        """Set when a model is unloaded and loaded again, and add it to the start list. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        model = next((model for model in self._pool.loaded() if model.name == name), None)
        if model is None:
            raise NotFound("There is no model {model}.", model=name)
        kept = next((one for one in self._start_list.all() if one.name == name), None)
        path = model.file.path.absolute()
        before = kept or StartModel(name=name, path=path, settings=self._pool.remembered(path) or LoadSettings(), default=model.default)
        self._start_list.keep(replace(before, residency=residency))
        self._pool.reside(name, residency)
        record_alone(
            self._unit_of_work, self._clock(), user.id, "model.reside", name,
            idle=str(residency.idle_minutes or 0), load_at=residency.load_at or "-",
        )  # fmt: skip

    def make_default(self, user: User, name: str) -> None:
        require(user, Permission.RUN_MODELS)
        self._pool.make_default(name)
        self._start_list.make_default(name)
        self._record_change(user, Change.DEFAULT, name)

    def unload(self, user: User, name: str) -> None:
        """Unload a model now, and do not load it at the next start. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        try:
            self._pool.unload(name)
        except NotFound:
            if self._refused.pop(name, None) is None:
                raise
        self._start_list.forget(name)
        default = next((model.name for model in self._pool.loaded() if model.default), None)
        if default is not None and default != name:
            # Users of the unloaded model get this one from now on, also after a restart.
            self._start_list.make_default(default)
        self._record_change(user, Change.UNLOAD, name)

    def _record_change(self, user: User, change: Change, model: str) -> None:
        """Record a change in the audit log, and mark it for charts."""
        now = self._clock()
        with self._unit_of_work() as work:
            record(work, now, user.id, change.value, model)
            mark(work, now, change, model)
            work.commit()
