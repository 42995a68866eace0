"""Choose the GPUs of a load, and count the memory they have for it together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import InvalidInput
from core.models.load_settings import LoadSettings, SplitMode
from models.engine.llama.native import Gpu
from models.machine import Memory


@dataclass(frozen=True, slots=True)
class GpuChoice:
    """The GPUs of a load. memory: what a model that is split as requested can take. name: the devices, for people."""

    memory: Memory
    name: str


def choose_gpus(gpus: Sequence[Gpu], settings: LoadSettings) -> GpuChoice | None:
    """Choose the GPUs; None if there is none. Raises InvalidInput if the settings do not suit the machine's GPUs."""
    asked = settings.main_gpu is not None or settings.gpu_shares or settings.split_mode is not SplitMode.LAYER
    if not gpus:
        if asked:
            raise InvalidInput("llama.cpp finds no GPU it can use. Leave out main GPU, split mode and shares.")
        return None
    if settings.main_gpu is not None and settings.main_gpu >= len(gpus):
        raise InvalidInput(
            "GPU {number} does not exist: this machine has {count}, counted from 0.", number=settings.main_gpu, count=len(gpus)
        )
    if settings.gpu_shares and len(settings.gpu_shares) != len(gpus):
        raise InvalidInput(
            "There are {shares} shares for {count} GPUs. Give one for each.", shares=len(settings.gpu_shares), count=len(gpus)
        )
    if settings.split_mode is SplitMode.NONE:
        gpus = [gpus[settings.main_gpu or 0]]
    whole = sum(settings.gpu_shares)
    taken = [(gpu, share / whole) for gpu, share in zip(gpus, settings.gpu_shares, strict=False) if share] if whole else []
    used = [gpu for gpu, _ in taken] or list(gpus)
    free = sum(gpu.free_bytes for gpu in used)
    if taken:
        # The load ends when the first GPU is full, however much memory the others have left.
        free = min(free, round(min(gpu.free_bytes / share for gpu, share in taken)))
    name = ", ".join(f"{gpu.name} ({gpu.description})" for gpu in used)
    return GpuChoice(Memory(free, sum(gpu.total_bytes for gpu in used)), name)
