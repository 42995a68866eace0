"""Define a model for core, pool and pages: its file, how it is loaded, the memory that takes, and its state."""

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
"""Tokens: less cannot be asked for."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter to load with a model. name: what a request calls it. scale: how strongly it works; 0: not at all."""

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
    """A LoRA adapter on disk, read from its header. error: why it cannot be used, else None."""

    path: Path
    name: str
    size_bytes: int
    architecture: str = ""
    """The architecture of the models it was made for."""
    rank: int = 0
    error: StoredError | None = None


class KvType(StrEnum):
    """Precision of the KV cache: 16, 8 or 4 bits."""

    F16 = "f16"
    Q8_0 = "q8_0"
    Q4_0 = "q4_0"


class FlashAttention(StrEnum):
    AUTO = "auto"
    """On where the device does well with it."""
    ON = "on"
    OFF = "off"


class KvStreams(StrEnum):
    """How slots hold the KV cache."""

    AUTO = "auto"
    """The memory plan chooses."""
    SEPARATE = "separate"
    """Each slot has its own."""
    UNIFIED = "unified"
    """All slots share one."""


class SplitMode(StrEnum):
    """How a model is split over several GPUs."""

    NONE = "none"
    """One GPU holds all of it."""
    LAYER = "layer"
    """Each GPU holds some layers."""
    ROW = "row"
    """Each GPU holds a part of every layer."""


LOAD_CHOICES: dict[str, type[StrEnum]] = {
    "kv_type": KvType, "flash_attention": FlashAttention, "streams": KvStreams, "split_mode": SplitMode,
}
"""What the fields of LoadSettings, and the portal's settings of the same names, may be."""


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How a GGUF is loaded. None: chosen from the file and the machine. The words of its choices are taken too."""

    context: int | None = None
    """Tokens per conversation."""
    slots: int | None = None
    """Number of concurrent answers."""
    gpu_layers: int | None = None
    """-1: all of them."""
    kv_type: KvType = KvType.F16
    threads: int | None = None
    flash_attention: FlashAttention = FlashAttention.AUTO
    streams: KvStreams = KvStreams.AUTO
    split_mode: SplitMode = SplitMode.LAYER
    main_gpu: int | None = None
    """From 0 on: the one GPU of split mode none, the one that holds what is not split in mode row."""
    gpu_shares: tuple[float, ...] = ()
    """What each GPU takes, in proportion; empty: as much as its free memory suggests."""
    adapters: tuple[Adapter, ...] = ()
    """That a request may choose from."""
    isolated: bool = False
    """In a process of its own, started again if it dies; else in the portal's."""
    projector: str | None = None
    """The projector's file beside the model, so that it sees images. None: the one that belongs to it, if any; empty: none."""

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
    """What a model is for."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    RERANKING = "reranking"
    DETECTION = "detection"
    """Boxes on images; only on other servers."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A GGUF on disk, read from its header. error: why it cannot be used, else None."""

    path: Path
    name: str
    size_bytes: int
    architecture: str = ""
    quantization: str = ""
    parameters: int = 0
    context: int = 0
    """Tokens the model was trained for."""
    layers: int = 0
    thinking: bool = False
    error: StoredError | None = None
    kind: ModelKind = ModelKind.CHAT


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes a load would take on `device`, and the bytes free there now."""

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
    """What all slots together can hold where they share the context memory; 0 where each has its own."""
    gpus: int = 0
    """How many there are, used or not."""
    measured: bool = False
    """Whether the same load was measured on this machine before; else it is an estimate."""
    budget_bytes: int = 0
    """The limit for all models together, where it leaves less than the device has free; else 0."""

    @property
    def needed_bytes(self) -> int:
        return self.weights_bytes + self.context_bytes + self.work_bytes

    @property
    def fits(self) -> bool:
        return self.needed_bytes <= self.free_bytes


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """The host's memory, or a GPU's, at one moment."""

    name: str
    """"host", or as llama.cpp calls the GPU."""
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Eviction:
    """A model that would be unloaded to make room, and who uses it at this moment."""

    model: str
    frees_bytes: int
    running: int
    """Answers that run."""
    waiting: int
    """Questions in its queue."""
    default: bool
    """Whether new chats use it unless their group has a model of its own."""
    groups: tuple[str, ...] = ()
    """The groups that use it by default, by itself or through a preset."""

    @property
    def people(self) -> int:
        return self.running + self.waiting


class ModelState(StrEnum):
    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    FAILED = "failed"
    RESTARTING = "restarting"
    """Its own process died and is being started again."""
    SLEEPING = "sleeping"
    """Unloaded because nobody used it; the next question loads it again."""


_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Residency:
    """When a model leaves memory, and when it comes back by itself."""

    idle_minutes: int | None = None
    """Minutes without a question after which it is unloaded; None: never."""
    load_at: str = ""
    """HH:MM in the server's time zone, from Monday to Friday: it is loaded again then if it sleeps. Empty: when someone asks."""

    def __post_init__(self) -> None:
        within("idle_minutes", self.idle_minutes, 1, 100_000)
        if self.load_at and not _TIME.fullmatch(self.load_at):
            raise InvalidInput("{time} is not a time of day. Write it like 07:30.", time=repr(self.load_at[:40]))

    def is_due(self, before: datetime, now: datetime) -> bool:
        """Tell whether the time of day came after `before`, at `now` at the latest, on a weekday."""
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
    """Whether it becomes the default."""
    residency: Residency = field(default_factory=Residency)


@dataclass(frozen=True, slots=True)
class StartProblem:
    """A model that should have been loaded at the start, and why it was not."""

    name: str
    path: Path
    reason: StoredError


class ModelWork(StrEnum):
    LOADING = "loading"
    DECODING = "decoding"
    SAMPLING = "sampling"


@dataclass(frozen=True, slots=True)
class Crash:
    """A run of the portal that ended in native code. Ids only: no text of people."""

    at: datetime
    model: str
    """Empty if none was at work."""
    doing: ModelWork | None
    """None if no model was at work."""
    answers: int
    """How many in the step that died."""
    requests: tuple[str, ...]
    """Their turns or completions."""
    error: str
    """llama.cpp's own words, else the signal's name."""
    in_a_row: int = 0
    """How many runs in a row this model ended so, this one included; 0 once a run ended in order."""


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
    """Measured memory that the load took."""
    progress: float = 0.0
    tokens_per_second: float | None = None
    """Of all running answers together, over the last minute; None if none ran."""
    default: bool = False
    error: StoredError | None = None
    adapters: tuple[str, ...] = ()
    """The names of its LoRA adapters."""
    isolated: bool = False
    """Whether it runs in its own process."""
    stuck_s: float = 0.0
    """How long its step has been running, if that is longer than a step should take; else 0."""
    guide: bool = False
    """Whether it is the built-in guide, which knows only this portal and reads no files."""
    residency: Residency = field(default_factory=Residency)
    file_problem: StoredError | None = None
    """What happened to the file on disk since it was loaded."""
    vision: bool = False
    """Whether it sees images: a projector is loaded with it."""

    @property
    def names(self) -> tuple[str, ...]:
        """What a request may name: the model, and the model with each adapter, as in glm:legal."""
        return (self.name, *(f"{self.name}:{adapter}" for adapter in self.adapters))
