"""Define the memory that a load may take."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.models.memory_records import MemoryPlan
from models.engine.llama import native
from models.machine import Memory


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
