"""Define templates of tasks, and the files that they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.prompts.records import Share
from core.workflows.records import FILE, Step, TaskFile

MAX_TEMPLATES = 200
"""Most templates of one person."""
MAX_BLANKS = 20
MAX_VALUE_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSlot:
    """A file that is asked for at each run. position: the number in its reference, from 1."""

    position: int
    name: str
    """What it is called, at first like the file of the task."""
    tables: tuple[str, ...] = ()
    """The names of its tables in SQL; empty for another kind of file."""
    is_image: bool = False

    @property
    def reference(self) -> str:
        return f"{FILE}{self.position}"

    def as_file(self) -> TaskFile:
        """Return it as a file of a task that steps are checked against."""
        return TaskFile(position=self.position, id="", name=self.name, has_tables=bool(self.tables), is_image=self.is_image)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTemplate:
    """A task to run again. Its request and steps may hold blanks, such as [month]."""

    id: str
    owner_id: str
    title: str
    request: str
    model: str | None
    """The model that writes; None: the default model."""
    steps: tuple[Step, ...]
    files: tuple[FileSlot, ...] = ()
    share: Share = Share.OWN
    group: str = ""
    """The group that it is shared with; "" unless `share` is GROUP."""
    version: int = 1
    """Counts changes, so that nobody runs steps that they have not seen."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTemplate:
    """A template as one person sees it."""

    template: TaskTemplate
    blanks: tuple[str, ...]
    """What is asked at each run, in order."""
    owner_name: str
    own: bool
    may_publish: bool
    """Whether this person may share it with everyone, or withdraw it from everyone."""
