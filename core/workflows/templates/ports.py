"""Declare the repository of templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.workflows.templates.records import TaskTemplate


class TemplateRepository(Protocol):
    """Stores templates of tasks."""

    def add(self, template: TaskTemplate) -> None: ...
    def get(self, template_id: str) -> TaskTemplate | None: ...
    def lock(self, template_id: str) -> TaskTemplate | None:
        """Read a template, and lock it until the transaction ends."""
        ...

    def visible(self, user_id: str, group: str) -> Sequence[TaskTemplate]:
        """Return a person's own templates, those shared with the group, and those for everyone, most recently changed first."""
        ...

    def count_of(self, user_id: str) -> int: ...
    def save(self, template: TaskTemplate) -> None:
        """Write all fields. Read the template with `lock` first."""
        ...

    def remove(self, template_id: str) -> None: ...
    def rename_group(self, old: str, new: str) -> None:
        """Assign the templates of a group to its new name."""
        ...

    def withdraw_from(self, group: str) -> None:
        """Stop sharing the templates of a group, so that only their owners see them."""
        ...
