"""Choose the version of a model that answers a question, and hold it until the answer ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256

from core.errors import BeingReplaced, Busy, InvalidInput, ModelFailed, NotFound, Unavailable, Waking
from core.inference.requests import GenerationRequest
from core.models.records import ModelKind, ModelState
from models.child.supervised_process import AGAIN
from models.platforms.local import LocalPlatform
from models.platforms.local_vectors import EmbeddingPlatform
from models.serving.pool.pool_entry import Entry
from models.serving.pool.registry import ModelRegistry
from models.serving.swapping.running_answer import RunningAnswer


class Leases:
    """Chooses versions and holds them while they answer. Safe from any thread."""

    def __init__(self, registry: ModelRegistry, wake: Callable[[str], None]) -> None:
        """wake: starts loading a model that sleeps."""
        self._registry = registry
        self._wake = wake
        self._shares: dict[str, tuple[Entry, int]] = {}
        """The versions on trial and the percentages of new answers that they give, by model name."""

    def share(self, candidate: Entry, percent: int) -> None:
        """Send this share of new answers to a version that is aside; 0 ends it."""
        with self._registry.lock:
            if percent:
                self._shares[candidate.name] = (candidate, percent)
            else:
                self._shares.pop(candidate.name, None)

    def start(self, request: GenerationRequest) -> RunningAnswer:
        """Start an answer on the version that the model's name refers to now. Raises as `platform` and LocalPlatform.start do."""
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
        # If a version that is still on trial cannot answer, the version that it would replace does.
        entry, platform, token, _ = self._lease(request, candidates=False)
        try:
            return RunningAnswer(platform.start(request), entry.open, token, entry.tally)
        except BaseException:
            entry.open.discard(token)
            raise

    def check_room(self, user_id: str, *, batch: bool = False) -> None:
        """Raise Busy if every chat model refuses a question of this user now. A model that is not ready may have room soon."""
        with self._registry.lock:
            chats = [entry for entry in self._registry.entries.values() if entry.chats]
            if self._registry.replacing or self._shares or any(entry.state is not ModelState.READY for entry in chats):
                return
            platforms = [entry.platform for entry in chats if isinstance(entry.platform, LocalPlatform)]
        busy: Busy | None = None
        for platform in platforms:
            try:
                platform.check_room(user_id, batch=batch)
            except Busy as problem:
                busy = busy or problem
            else:
                return
        if busy is not None:
            raise busy

    def _lease(self, request: GenerationRequest, *, candidates: bool = True) -> tuple[Entry, LocalPlatform, object, bool]:
        """Choose the version for an answer and hold it: a swap waits for held versions."""
        token = object()
        with self._registry.lock:
            wanted = request.model or self._registry.default
            if wanted in self._registry.replacing:
                raise BeingReplaced(wanted or "")
            platform = self.platform(request.model)
            entry = self._registry.entries[platform.facts.file.name]
            candidate, percent = self._shares.get(entry.name, (None, 0))
            chosen = candidates and candidate is not None and _falls_to(request, percent)
            if chosen and candidate is not None and isinstance(candidate.platform, LocalPlatform) and candidate.state is ModelState.READY:
                candidate.open.add(token)
                return candidate, candidate.platform, token, True
            entry.open.add(token)
            return entry, platform, token, False

    def knows(self, name: str) -> bool:
        with self._registry.lock:
            return name in self._registry.entries

    def platform(self, name: str | None) -> LocalPlatform:
        """Return the platform of a chat model, or of the default one. Raises NotFound, Unavailable, InvalidInput (not a chat model)."""
        with self._registry.lock:
            chats = [entry.name for entry in self._registry.entries.values() if entry.chats]
            wanted = name or self._registry.default or next(iter(chats), None)
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
        """Return the platform of the named model, or of the first of this kind.

        Raises NotFound, Unavailable, InvalidInput (another kind).
        """
        with self._registry.lock:
            names = [entry.name for entry in self._registry.entries.values() if entry.facts.file.kind is kind]
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
        """Return a model's platform; a sleeping model starts loading. Called under the lock."""
        entries = self._registry.entries
        if wanted not in entries:
            raise NotFound("There is no model {model}. Choose one of: {models}.", model=wanted, models=", ".join(entries) or "none")
        entry = entries[wanted]
        entry.used_at = time.monotonic()
        if entry.state is ModelState.READY and entry.platform is not None:
            return entry.platform
        if entry.state is ModelState.SLEEPING:
            self._wake(wanted)
        if wanted in self._registry.waking:
            raise Waking(wanted)
        if entry.state is ModelState.RESTARTING:
            raise Unavailable(AGAIN, name=wanted)
        if entry.state is ModelState.LOADING:
            raise Unavailable("The model {model} is still loading. Try again in a moment.", model=wanted)
        raise Unavailable("The model {model} is unavailable.", model=wanted)


def _falls_to(request: GenerationRequest, percent: int) -> bool:
    """Tell whether the version on trial answers this request. A conversation stays with one version, which holds its KV cache."""
    key = request.conversation_id or request.id or request.user_id
    return int.from_bytes(sha256(key.encode()).digest()[:4], "big") % 100 < percent
