"""Declare the repository of votes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.arena.records import ArenaVote, VoteCount, VoteFilter


class VoteRepository(Protocol):
    """Stores the votes of the Arena, and counts all votes that compare models or presets."""

    def put(self, vote: ArenaVote) -> None:
        """Insert a vote, or replace the one with its id."""
        ...

    def remove(self, vote_id: str, user_id: str) -> bool:
        """Delete a person's vote. Returns False if there is none."""
        ...

    def counts(self, filter: VoteFilter) -> Sequence[VoteCount]:
        """Count the votes by person and pair: those of the Arena, on answers side by side in chats, and on two files of a model."""
        ...
