"""Limit what all models of this machine take together."""

from __future__ import annotations

from dataclasses import replace

from core.models.memory_records import DeviceMemory
from models import machine
from models.engine.llama import native
from models.gguf.room import Room
from models.serving.pool.pool_entry import Entry
from models.serving.pool.registry import ModelRegistry

BUDGET = "budget"


class MemoryBudget:
    """Limits the memory of all models. Safe from any thread."""

    def __init__(self, registry: ModelRegistry, limit: int = 0) -> None:
        """limit: bytes for all models together; 0: no limit but the machine's memory."""
        self._registry = registry
        self._limit = limit

    def room(self, excluding: Entry | None = None) -> Room:
        """Return what a load can take now. excluding: an entry that the load replaces."""
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
