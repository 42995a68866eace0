"""Define backups, retention rules and legal holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import StoredError

Progress = Callable[[float], None]
"""Receives the share of the work that is done, 0 to 1. An exception that it raises ends the work."""


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What the database is and what it holds. rows: by table, those that backups include."""

    kind: str
    version: str
    name: str
    """The file, or the server's address without its password."""
    revision: str
    size_bytes: int
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BackupFile:
    name: str
    written_at: datetime
    size_bytes: int
    sealed: bool


@dataclass(frozen=True, slots=True)
class BackupContents:
    """The contents of a backup that was read to its end and found intact. revision: of its tables. rows: by table."""

    made_at: datetime
    revision: str
    rows: Mapping[str, int]


class BackupAction(StrEnum):
    MAKE = "make"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class BackupTask:
    """A backup that is being created or verified, or the last one that was."""

    action: BackupAction
    name: str
    progress: float = 0.0
    ended: bool = False
    error: StoredError | None = None
    contents: BackupContents | None = None
    """Set if verification found the file intact."""


EVERY_GROUP = "*"


class RetentionKind(StrEnum):
    """What a retention rule deletes."""

    CHATS = "chats"
    FILES = "files"
    FEEDBACK = "feedback"
    AUDIT = "audit"
    MODEL_REPORTS = "model_reports"
    """Hot swaps and comparisons of models that have ended."""
    MEMORIES = "memories"
    """What models remember about people, by its last change."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    kind: RetentionKind
    group: str
    """EVERY_GROUP means all groups without a rule of their own."""
    days: int


@dataclass(frozen=True, slots=True)
class LegalHold:
    user_id: str
    user_name: str
    reason: str
    placed_at: datetime
