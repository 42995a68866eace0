"""Limit what all models of this machine take together."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.models.memory_records import DeviceMemory, MemoryPlan
from models.engine.llama import native
from models.serving import machine
from models.serving.machine import Memory
from models.serving.pool.pool_entry import Entry
from models.serving.pool.registry import ModelRegistry

BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Room:
    """The memory available to a load, as `plan_load` needs it."""

    host: Memory
    gpus: list[native.Gpu]
    promised: int
    """Bytes that other loads will still take; they count as free in `host` and `gpus`."""
    budget: int
    """Bytes of the limit; 0: no limit."""
    left: int
    """Bytes left of the limit, before `promised` is subtracted."""

    def limited(self, memory: MemoryPlan) -> MemoryPlan:
        """Return a plan made in this room without what is promised to others."""
        binds = bool(self.budget) and memory.free_bytes >= self.left
        free = min(memory.free_bytes, self.left) if binds else memory.free_bytes
        total = min(memory.total_bytes, self.budget) if binds else memory.total_bytes
        return replace(memory, free_bytes=max(0, free - self.promised), total_bytes=total, budget_bytes=self.budget if binds else 0)


class MemoryBudget:
    """Limits the memory of all models. Safe from any thread."""

    def __init__(self, registry: ModelRegistry, limit: int = 0) -> None:
        """limit: bytes for all models together; 0: no limit but the machine's memory."""
        self._registry = registry
        self._limit = limit

    def room(self, excluding: Entry | None = None) -> Room:
        """Return what a load can take now. besides: an entry that the load replaces."""
        host, gpus = machine.host_memory(), native.gpus()
        promised = self._registry.reserved_bytes(excluding)
        if not self._limit:
            return Room(host, gpus, promised=promised, budget=0, left=0)
        left = max(0, self._limit - self._registry.used_bytes(excluding)) + promised
        host = replace(host, free=min(host.free, left))
        gpus = [replace(gpu, free_bytes=min(gpu.free_bytes, left)) for gpu in gpus]
        return Room(host, gpus, promised=promised, budget=self._limit, left=left)

    def state(self) -> DeviceMemory | None:
        """Return the limit and what is left of it; None without a limit."""
        if not self._limit:
            return None
        return DeviceMemory(BUDGET, max(0, self._limit - self._registry.used_bytes()), self._limit)
