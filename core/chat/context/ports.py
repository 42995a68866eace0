"""Declare the repositories of instructions and summaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.chat.context.records import Holder, Instructions, Summary


class InstructionsRepository(Protocol):
    """Stores instructions."""

    def get(self, holder: Holder, subject: str) -> Instructions | None: ...
    def put(self, instructions: Instructions) -> None:
        """Insert instructions, replacing those of the same holder."""
        ...

    def remove(self, holder: Holder, subject: str) -> bool:
        """Delete instructions. Returns False if there are none."""
        ...

    def rename_group(self, old: str, new: str) -> None:
        """Assign the instructions of a group to its new name."""
        ...


class SummaryRepository(Protocol):
    """Stores summaries. They are deleted with their conversation."""

    def add(self, summary: Summary) -> None: ...
    def of_conversation(self, conversation_id: str) -> Sequence[Summary]:
        """Return the summaries, ordered by the number of turns they cover."""
        ...

    def save(self, summary: Summary) -> None:
        """Write the text and `edited_at`."""
        ...
