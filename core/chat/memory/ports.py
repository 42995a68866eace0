"""Declare the repository of memories."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from core.chat.memory.records import Memory, MemoryState


class MemoryRepository(Protocol):
    """Stores memories, and whether people use them."""

    def add(self, memory: Memory) -> None: ...
    def get(self, memory_id: str) -> Memory | None: ...
    def for_change(self, memory_id: str) -> Memory | None:
        """Read and lock a memory."""
        ...

    def of_user(self, user_id: str, states: Collection[MemoryState]) -> Sequence[Memory]:
        """List a person's memories in these states, oldest first."""
        ...

    def by_ids(self, user_id: str, ids: Collection[str]) -> Sequence[Memory]:
        """Return those of `ids` that exist and belong to the person."""
        ...

    def count_of(self, user_id: str, state: MemoryState) -> int: ...
    def save(self, memory: Memory) -> None:
        """Write text, state, conversation and `updated_at`. Read the memory with for_change first."""
        ...

    def remove(self, ids: Collection[str]) -> int:
        """Delete memories; returns how many existed."""
        ...

    def remove_undecided(self, before: datetime) -> int:
        """Delete proposed and dismissed memories last changed before this time, except those of people under a legal hold."""
        ...

    def switch(self, user_id: str) -> bool | None:
        """Return whether a person switched memory on or off; None if they never chose."""
        ...

    def set_switch(self, user_id: str, on: bool, at: datetime) -> None: ...
