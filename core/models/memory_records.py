"""Define memory: what a load needs, what a device has, and which models would make room."""

from __future__ import annotations

from dataclasses import dataclass


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
