"""Describe one model of the pool, from the request to load it to its end."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from core.errors import StoredError
from core.models.load_settings import LoadSettings
from core.models.records import LoadedModel, ModelKind, ModelState
from models.engine.stats.metrics import STUCK_S
from models.gguf.adapters import ChosenAdapter
from models.gguf.facts import ModelFacts
from models.gguf.memory_plan import LoadPlan
from models.platforms.local import LocalPlatform
from models.platforms.local_vectors import EmbeddingPlatform
from models.serving.swapping.file_stamps import Stamp, file_problem
from models.serving.swapping.running_answer import AnswerTally


@dataclass(slots=True, eq=False)
class Entry:
    """A model in the pool. Changed under the pool's lock; only the loading thread changes the progress."""

    facts: ModelFacts
    plan: LoadPlan
    adapters: tuple[ChosenAdapter, ...] = ()
    state: ModelState = ModelState.LOADING
    version: str = ""
    device: str = ""
    platform: LocalPlatform | EmbeddingPlatform | None = None
    progress: float = 0.0
    memory_bytes: int = 0
    reserved_bytes: int = 0
    """The part of the memory that a load reserves and does not use yet."""
    error: StoredError | None = None
    becomes_default: bool = False
    """Make it the default once it is ready. Until then, and if it fails, the default does not change."""
    isolated: bool = False
    unwanted: bool = False
    """Whether it was unloaded or the portal stops: a running load gives up."""
    threads: list[threading.Thread] = field(default_factory=list)
    open: set[object] = field(default_factory=set)
    """A token for each running answer."""
    tally: AnswerTally | None = None
    """Counts how answers end, while a swap compares this version with another."""
    stamps: tuple[Stamp, ...] = ()
    """Stamps of the file's parts when they were read."""
    used_at: float = field(default_factory=time.monotonic)
    """time.monotonic() of the last request or other activity."""
    settings: LoadSettings = field(default_factory=LoadSettings)
    """The settings that the load was requested with."""

    @property
    def name(self) -> str:
        return self.facts.file.name

    @property
    def chats(self) -> bool:
        return self.facts.file.kind is ModelKind.CHAT

    def went_on(self, done: float) -> bool:
        """Record how much of it is loaded, 0 to 1. Returns False to stop loading."""
        self.progress = done
        return not self.unwanted

    @property
    def used_bytes(self) -> int:
        """Return the memory that it takes, or will take once it is loaded."""
        planned = self.plan.memory
        if self.state is ModelState.LOADING:
            return planned.needed_bytes
        if self.platform is None:
            return 0
        # A load that reused memory of an earlier model seems to have taken less than its weights.
        return self.memory_bytes if self.memory_bytes >= planned.weights_bytes else planned.needed_bytes

    @property
    def idle(self) -> bool:
        """Tell whether no answer runs or is about to run."""
        return not self.open and (self.platform is None or self.platform.idle)

    def describe(self, *, default: bool) -> LoadedModel:
        metrics = self.platform.metrics() if self.platform is not None else None
        return LoadedModel(
            name=self.name,
            state=self.state,
            file=self.facts.file,
            version=self.version,
            platform="local",
            device=self.device,
            context=self.plan.memory.context,
            slots=self.plan.memory.slots,
            slots_busy=metrics.busy if metrics else 0,
            waiting=metrics.waiting if metrics else 0,
            plan=self.plan.memory,
            memory_bytes=self.memory_bytes,
            progress=self.progress,
            tokens_per_second=metrics.tokens_per_second if metrics else None,
            default=default,
            error=self.error,
            adapters=tuple(adapter.name for adapter in self.adapters),
            isolated=self.isolated,
            vision=isinstance(self.platform, LocalPlatform) and self.platform.sees,
            file_problem=file_problem(self.facts.parts, self.stamps),
            stuck_s=metrics.step_running_s if metrics and metrics.step_running_s > STUCK_S else 0.0,
        )
