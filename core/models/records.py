"""Define a model for core, pool and pages: its file, kind and state, and when it leaves memory."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from core.bounds import within
from core.errors import InvalidInput, StoredError
from core.models.memory_records import MemoryPlan


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """A LoRA adapter on disk, described by its header. error: why it cannot be used, else None."""

    path: Path
    name: str
    size_bytes: int
    architecture: str = ""
    """The architecture of the models that the adapter was made for."""
    rank: int = 0
    error: StoredError | None = None


class ModelKind(StrEnum):
    """The purpose of a model."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    RERANKING = "reranking"
    DETECTION = "detection"
    """Finds boxes on images; only on other servers."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A GGUF file on disk, described by its header. error: why it cannot be used, else None."""

    path: Path
    name: str
    size_bytes: int
    architecture: str = ""
    quantization: str = ""
    parameters: int = 0
    context: int = 0
    """Context length in tokens that the model was trained for."""
    layers: int = 0
    thinking: bool = False
    error: StoredError | None = None
    kind: ModelKind = ModelKind.CHAT


class ModelState(StrEnum):
    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    FAILED = "failed"
    RESTARTING = "restarting"
    """The model's own process died and is being restarted."""
    SLEEPING = "sleeping"
    """Unloaded because it was not used; the next question loads it again."""


_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Residency:
    """When a model is unloaded, and when it is loaded again automatically."""

    idle_minutes: int | None = None
    """Minutes without a question after which the model is unloaded; None for never."""
    load_at: str = ""
    """HH:MM in the server's time zone, Monday to Friday, when a sleeping model is loaded again. Empty: only when a question comes."""

    def __post_init__(self) -> None:
        within("idle_minutes", self.idle_minutes, 1, 100_000)
        if self.load_at and not _TIME.fullmatch(self.load_at):
            raise InvalidInput("{time} is not a time of day. Write it like 07:30.", time=repr(self.load_at[:40]))

    def is_due(self, before: datetime, now: datetime) -> bool:
        """Tell whether `load_at` has passed on a weekday, after `before` and not after `now`."""
        if not self.load_at or now.weekday() > 4:
            return False
        hour, minute = map(int, self.load_at.split(":"))
        return before < now.replace(hour=hour, minute=minute, second=0, microsecond=0) <= now


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in the pool. progress: 0 to 1 while loading. error: why it FAILED, or died and is RESTARTING."""

    name: str
    state: ModelState
    file: ModelFile
    version: str
    platform: str
    device: str
    context: int = 0
    slots: int = 0
    slots_busy: int = 0
    waiting: int = 0
    plan: MemoryPlan | None = None
    memory_bytes: int = 0
    """Measured memory of the load in bytes."""
    progress: float = 0.0
    tokens_per_second: float | None = None
    """Speed of all running answers together over the last minute; None if there were none."""
    default: bool = False
    error: StoredError | None = None
    adapters: tuple[str, ...] = ()
    """The names of its LoRA adapters."""
    isolated: bool = False
    """Whether it runs in its own process."""
    stuck_s: float = 0.0
    """Seconds that the current step has been running, if that is too long for a step; else 0."""
    guide: bool = False
    """Whether this is the built-in guide, which knows only this portal and cannot read files."""
    residency: Residency = field(default_factory=Residency)
    file_problem: StoredError | None = None
    """What has happened to the file on disk since the load."""
    vision: bool = False
    """Whether the model can see images because a projector is loaded with it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names that a request may use: the model, and the model with each adapter, as in glm:legal."""
        return (self.name, *(f"{self.name}:{adapter}" for adapter in self.adapters))
