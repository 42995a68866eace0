"""Define backups, retention rules and legal holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import StoredError

Progress = Callable[[float], None]
"""Receives the share of the work that is done, 0 to 1. May raise an exception to stop the work."""


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """The kind and the contents of the database. rows: row counts by table, for tables that backups include."""

    kind: str
    version: str
    name: str
    """The database file, or the server's address without its password."""
    revision: str
    size_bytes: int
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A file in the folder of backups."""

    name: str
    written_at: datetime
    size_bytes: int
    sealed: bool


@dataclass(frozen=True, slots=True)
class BackupContents:
    """The contents of a backup that was read to its end and found intact. revision: of its schema. rows: row counts by table."""

    made_at: datetime
    revision: str
    rows: Mapping[str, int]


class BackupAction(StrEnum):
    MAKE = "make"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class BackupTask:
    """The current or last creation or verification of a backup."""

    action: BackupAction
    name: str
    progress: float = 0.0
    ended: bool = False
    error: StoredError | None = None
    contents: BackupContents | None = None
    """Set if verification found the file intact."""


EVERY_GROUP = "*"


class RetentionKind(StrEnum):
    """The kinds of data that retention rules delete."""

    CHATS = "chats"
    FILES = "files"
    FEEDBACK = "feedback"
    AUDIT = "audit"
    MODEL_REPORTS = "model_reports"
    """Ended hot swaps and comparisons of models."""
    MEMORIES = "memories"
    """Memories of people, by their last change."""
    TASKS = "tasks"
    """Tasks with their runs and files, by their last change."""
    DATASETS = "datasets"
    """Versions of datasets that nobody noted to use, of the group of who built them."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """A rule on how many days data of one kind and group is kept."""

    kind: RetentionKind
    group: str
    """The group's name. EVERY_GROUP means all groups without a rule of their own."""
    days: int


@dataclass(frozen=True, slots=True)
class LegalHold:
    """The protection of a person's data from deletion."""

    user_id: str
    user_name: str
    reason: str
    placed_at: datetime
