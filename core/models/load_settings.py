"""Define how a model is loaded, and the LoRA adapters loaded with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from core.bounds import one_of, within
from core.errors import InvalidInput

_ADAPTER_NAME = re.compile(r"[\w.-]{1,64}")
MAX_ADAPTERS = 32
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
        if len(self.adapters) > MAX_ADAPTERS or len({adapter.name for adapter in self.adapters}) < len(self.adapters):
            raise InvalidInput("A model can have at most {most} adapters, each with a unique name.", most=MAX_ADAPTERS)
        if self.projector and self.isolated:
            raise InvalidInput("A model in its own process cannot see images. Leave the projector out, or load it in the portal's process.")
        if self.main_gpu is not None and self.split_mode is SplitMode.LAYER:
            raise InvalidInput("Split mode layer has no main GPU. Choose none or row with it.")
