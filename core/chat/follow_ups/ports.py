"""Declare the repository of queued questions."""

from __future__ import annotations

from typing import Protocol

from core.chat.follow_ups.records import FollowUp
from core.errors import StoredError


class FollowUpRepository(Protocol):
    """Stores queued questions."""

    def add(self, follow_up: FollowUp) -> bool:
        """Insert a question unless its conversation already has one. Returns whether it was inserted."""
        ...

    def of_conversation(self, conversation_id: str) -> FollowUp | None: ...
    def remove(self, follow_up_id: str) -> bool:
        """Delete a question. Returns whether it existed."""
        ...

    def failed(self, follow_up_id: str, error: StoredError) -> None: ...
