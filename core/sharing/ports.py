"""Declare the repository of links to snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.sharing.records import Share


class ShareRepository(Protocol):
    """Stores links and their snapshots."""

    def add(self, share: Share, snapshot: str) -> None: ...
    def get(self, share_id: str) -> Share | None: ...
    def snapshot(self, share_id: str) -> str | None: ...
    def of_conversation(self, conversation_id: str) -> Sequence[Share]:
        """List the links of a conversation, newest first."""
        ...

    def end(self, share_id: str, at: datetime) -> None:
        """Make a link expire at this time, but keep its snapshot."""
        ...

    def remove(self, share_id: str) -> None:
        """Delete a link and its snapshot."""
        ...

    def remove_expired(self, before: datetime) -> int:
        """Delete the links that expired before this time, except those of people under a legal hold; returns how many."""
        ...
