"""Declare the repository of instructions."""

from __future__ import annotations

from typing import Protocol

from core.chat.context.records import Holder, Instructions


class InstructionsRepository(Protocol):
    def get(self, holder: Holder, subject: str) -> Instructions | None: ...
    def put(self, instructions: Instructions) -> None:
        """Insert instructions, or replace those of the same holder."""
        ...

    def remove(self, holder: Holder, subject: str) -> bool:
        """Delete instructions. Returns False if there are none."""
        ...

    def rename_group(self, old: str, new: str) -> None:
        """Let the instructions of a group follow its new name."""
        ...
