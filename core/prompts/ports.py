"""Declare the repository of prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.prompts.records import Prompt, PromptVersion


class PromptRepository(Protocol):
    """Stores prompts and their versions."""

    def add(self, prompt: Prompt) -> None: ...
    def lock(self, prompt_id: str) -> Prompt | None:
        """Read a prompt, and lock it until the transaction ends."""
        ...

    def visible(self, user_id: str, group: str) -> Sequence[Prompt]:
        """Return a person's own prompts, those shared with the group, and the published ones, most recently changed first."""
        ...

    def count_of(self, user_id: str) -> int: ...
    def save(self, prompt: Prompt) -> None:
        """Write all fields. Read the prompt with `lock` first."""
        ...

    def remove(self, prompt_id: str) -> None:
        """Delete a prompt with its versions."""
        ...

    def versions(self, prompt_id: str) -> Sequence[PromptVersion]:
        """Return the versions, newest first."""
        ...

    def add_version(self, prompt_id: str, version: PromptVersion, keep: int) -> None:
        """Insert a version, and remove all but the newest `keep`."""
        ...

    def rename_group(self, old: str, new: str) -> None:
        """Assign the prompts of a group to its new name."""
        ...

    def withdraw_from(self, group: str) -> None:
        """Stop sharing the prompts of a group, so that only their owners see them."""
        ...
