"""The models, as people see them: everybody may ask the loaded ones, admins run them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.clock import Clock
from core.inference.ports import Router
from core.models.ports import ModelPool
from core.models.records import AdapterFile, Crash, DeviceMemory, LoadedModel, LoadSettings, MemoryPlan, ModelFile, ModelKind
from core.people.permissions import Permission, require
from core.people.records import AuditEvent, User
from core.unit_of_work import Store


class ModelService:
    def __init__(self, pool: ModelPool, router: Router, store: Store, clock: Clock, folder: Path, crashes: Sequence[Crash] = ()) -> None:
        self._pool = pool
        self._router = router
        self._store = store
        self._clock = clock
        self.folder = folder
        """Where admins put GGUFs."""
        self._crashes = crashes

    def available(self, user: User) -> Sequence[LoadedModel]:
        """The models this person can chat with, the default first."""
        return [model for model in self.ready(user) if model.file.kind is ModelKind.CHAT]

    def ready(self, user: User) -> Sequence[LoadedModel]:
        """The models of every kind that this person can ask, the default for chats first."""
        require(user.role, Permission.CHAT)
        return self._router.models()

    def loaded(self, user: User) -> Sequence[LoadedModel]:
        require(user.role, Permission.RUN_MODELS)
        return self._pool.loaded()

    def memory(self, user: User) -> Sequence[DeviceMemory]:
        """What the host and each GPU have at this moment."""
        require(user.role, Permission.RUN_MODELS)
        return self._pool.memory()

    def last_crash(self, user: User) -> Crash | None:
        """How the run before this one ended, if it died in native code."""
        require(user.role, Permission.RUN_MODELS)
        return self._crashes[-1] if self._crashes else None

    def note_crashes(self) -> None:
        """Write into the audit what was found at the start."""
        for crash in self._crashes:
            with self._store() as work:
                details = {"error": crash.error[:500], "doing": crash.doing, "requests": " ".join(crash.requests)[:2000]}
                work.audit.add(AuditEvent(self._clock(), None, "model.crash", crash.model or "none", details))
                work.commit()

    def files(self, user: User) -> Sequence[ModelFile]:
        require(user.role, Permission.RUN_MODELS)
        return self._pool.files()

    def adapters(self, user: User) -> Sequence[AdapterFile]:
        """Those in the models folder."""
        require(user.role, Permission.RUN_MODELS)
        return self._pool.adapters()

    def read_file(self, user: User, path: Path) -> ModelFile:
        require(user.role, Permission.RUN_MODELS)
        return self._pool.read_file(path)

    def plan(self, user: User, file: ModelFile, settings: LoadSettings) -> MemoryPlan:
        require(user.role, Permission.RUN_MODELS)
        return self._pool.plan(file, settings)

    def remembered(self, user: User, file: ModelFile) -> LoadSettings | None:
        """How this file was loaded last."""
        require(user.role, Permission.RUN_MODELS)
        return self._pool.remembered(file.path)

    def load(self, user: User, path: Path, settings: LoadSettings, *, default: bool = False) -> LoadedModel:
        """Start loading; a refusal leaves the running models untouched."""
        require(user.role, Permission.RUN_MODELS)
        loading = self._pool.load(path, settings, default=default)
        self._audit(user, "model.load", loading.name)
        return loading

    def make_default(self, user: User, name: str) -> None:
        require(user.role, Permission.RUN_MODELS)
        self._pool.make_default(name)
        self._audit(user, "model.make_default", name)

    def unload(self, user: User, name: str) -> None:
        require(user.role, Permission.RUN_MODELS)
        self._pool.unload(name)
        self._audit(user, "model.unload", name)

    def _audit(self, user: User, action: str, name: str) -> None:
        with self._store() as work:
            work.audit.add(AuditEvent(self._clock(), user.id, action, name, {}))
            work.commit()
