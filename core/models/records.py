"""Define a model for core, pool and pages: its file, load settings, memory plan and state."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from core.bounds import one_of, within
from core.errors import InvalidInput, StoredError

_ADAPTER_NAME = re.compile(r"[\w.-]{1,64}")
MOST_ADAPTERS = 32
SHORTEST_CONTEXT = 256
"""Smallest context in tokens that can be requested."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter to load with a model. name: its name in requests. scale: strength of its effect; 0 has no effect."""

    name: str
    path: Path
    scale: float = 1.0

    def __post_init__(self) -> None:
        within("scale", self.scale, -100, 100)
        if not _ADAPTER_NAME.fullmatch(self.name):
            raise InvalidInput(
                "{name} is not a valid adapter name. Use 1 to 64 letters, digits, dots and hyphens.", name=repr(self.name[:80])
            )


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


class KvType(StrEnum):
    """Precision of the KV cache: 16, 8 or 4 bits."""

    F16 = "f16"
    Q8_0 = "q8_0"
    Q4_0 = "q4_0"


class FlashAttention(StrEnum):
    AUTO = "auto"
    """On if the device benefits from it."""
    ON = "on"
    OFF = "off"


class KvStreams(StrEnum):
    """How slots share the KV cache."""

    AUTO = "auto"
    """The memory plan chooses."""
    SEPARATE = "separate"
    """Each slot has its own KV cache."""
    UNIFIED = "unified"
    """All slots share one KV cache."""


class SplitMode(StrEnum):
    """How a model is split over several GPUs."""

    NONE = "none"
    """One GPU holds the whole model."""
    LAYER = "layer"
    """Each GPU holds some of the layers."""
    ROW = "row"
    """Each GPU holds part of every layer."""


LOAD_CHOICES: dict[str, type[StrEnum]] = {
    "kv_type": KvType, "flash_attention": FlashAttention, "streams": KvStreams, "split_mode": SplitMode,
}
"""The allowed values of fields of LoadSettings, and of the portal's settings with the same names."""


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How to load a GGUF file. None: chosen to suit the file and the machine. Enum fields also accept their values as strings."""

    context: int | None = None
    """Tokens per conversation."""
    slots: int | None = None
    """Number of concurrent answers."""
    gpu_layers: int | None = None
    """Number of layers on the GPU; -1 for all."""
    kv_type: KvType = KvType.F16
    threads: int | None = None
    flash_attention: FlashAttention = FlashAttention.AUTO
    streams: KvStreams = KvStreams.AUTO
    split_mode: SplitMode = SplitMode.LAYER
    main_gpu: int | None = None
    """Index from 0: the only GPU in split mode "none", or the one that holds the unsplit parts in mode "row"."""
    gpu_shares: tuple[float, ...] = ()
    """Proportions of the model on each GPU; empty: in proportion to free memory."""
    adapters: tuple[Adapter, ...] = ()
    """The LoRA adapters that a request may choose from."""
    isolated: bool = False
    """Whether the model runs in its own process, which is restarted if it dies, instead of in the portal's process."""
    projector: str | None = None
    """File name of the projector beside the model, for reading images. None: the model's own projector, if any; "": no projector."""

    def __post_init__(self) -> None:
        within("context", self.context, SHORTEST_CONTEXT, 4_194_304)
        within("slots", self.slots, 1, 256)
        within("gpu_layers", self.gpu_layers, -1, 10_000)
        within("threads", self.threads, 1, 1024)
        within("main_gpu", self.main_gpu, 0, 15)
        for name, choices in LOAD_CHOICES.items():
            object.__setattr__(self, name, one_of(name, getattr(self, name), choices))
        if self.kv_type is not KvType.F16 and self.flash_attention is FlashAttention.OFF:
            raise InvalidInput("An 8-bit or 4-bit context needs flash attention. Leave it on, or choose 16-bit.")
        for share in self.gpu_shares:
            within("gpu_shares", share, 0, 1_000_000)
        if self.gpu_shares and not any(self.gpu_shares):
            raise InvalidInput("At least one GPU needs a share above 0.")
        if self.gpu_shares and self.split_mode is SplitMode.NONE:
            raise InvalidInput("With split mode none, one GPU holds the whole model. Leave the shares out, or choose layer or row.")
        if len(self.adapters) > MOST_ADAPTERS or len({adapter.name for adapter in self.adapters}) < len(self.adapters):
            raise InvalidInput("A model can have at most {most} adapters, each with a unique name.", most=MOST_ADAPTERS)
        if self.projector and self.isolated:
            raise InvalidInput("A model in its own process cannot see images. Leave the projector out, or load it in the portal's process.")
        if self.main_gpu is not None and self.split_mode is SplitMode.LAYER:
            raise InvalidInput("Split mode layer has no main GPU. Choose none or row with it.")


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


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """The bytes that a load would take on `device`, and the bytes that are free there now."""

    device: str
    weights_bytes: int
    context_bytes: int
    work_bytes: int
    free_bytes: int
    total_bytes: int
    context: int
    """Tokens per conversation."""
    slots: int
    shared_tokens: int = 0
    """Tokens that all slots together can hold if they share one KV cache; 0 if each has its own."""
    gpus: int = 0
    """Number of GPUs, whether used or not."""
    measured: bool = False
    """Whether the plan comes from a measurement of the same load on this machine; otherwise it is an estimate."""
    budget_bytes: int = 0
    """The limit for all models together, if it leaves less memory than the device has free; else 0."""

    @property
    def needed_bytes(self) -> int:
        return self.weights_bytes + self.context_bytes + self.work_bytes

    @property
    def fits(self) -> bool:
        return self.needed_bytes <= self.free_bytes


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """The memory of the host or of a GPU at one moment."""

    name: str
    """"host", or as llama.cpp calls the GPU."""
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Eviction:
    """A model that would be unloaded to free memory, and who uses it now."""

    model: str
    frees_bytes: int
    running: int
    """Number of running answers."""
    waiting: int
    """Number of questions in its queue."""
    default: bool
    """Whether new chats use this model unless their group has its own model."""
    groups: tuple[str, ...] = ()
    """The groups that use this model by default, directly or through a preset."""

    @property
    def people(self) -> int:
        return self.running + self.waiting


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
class StartModel:
    """A model that is loaded at every start of the portal."""

    name: str
    path: Path
    settings: LoadSettings
    default: bool = False
    """Whether the model becomes the default."""
    residency: Residency = field(default_factory=Residency)


@dataclass(frozen=True, slots=True)
class StartProblem:
    """A model that was not loaded at the start although it should have been, and the reason."""

    name: str
    path: Path
    reason: StoredError


class ModelWork(StrEnum):
    LOADING = "loading"
    DECODING = "decoding"
    SAMPLING = "sampling"


@dataclass(frozen=True, slots=True)
class Crash:
    """A run of the portal that crashed in native code. It contains only ids and no text of people."""

    at: datetime
    model: str
    """Name of the working model; empty if there was none."""
    doing: ModelWork | None
    """What the model was doing; None if no model was working."""
    answers: int
    """Number of answers in the step that crashed."""
    requests: tuple[str, ...]
    """Ids of the turns or completions of these answers."""
    error: str
    """llama.cpp's own message, or else the name of the signal."""
    in_a_row: int = 0
    """How many consecutive runs, including this one, crashed with this model; 0 after a run that ended normally."""


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
