"""Define backups, retention rules and legal holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import StoredError

Progress = Callable[[float], None]
"""Told the share of the work that is done, 0 to 1. What it raises ends the work."""


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What the store is and holds. rows: by table, those that a backup holds too."""

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
    """What a backup holds that was read to its end and found whole. revision: of its tables. rows: by table."""

    made_at: datetime
    revision: str
    rows: Mapping[str, int]


class BackupAction(StrEnum):
    MAKE = "make"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class BackupTask:
    """A backup that is made or checked; the last one stays to be looked at."""

    action: BackupAction
    name: str
    progress: float = 0.0
    ended: bool = False
    error: StoredError | None = None
    contents: BackupContents | None = None
    """Of a check that found the file whole."""


EVERY_GROUP = "*"


class RetentionKind(StrEnum):
    """What a retention rule deletes."""

    CHATS = "chats"
    FILES = "files"
    FEEDBACK = "feedback"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class RetentionRule:
    kind: RetentionKind
    group: str
    """EVERY_GROUP: all groups without a rule of their own."""
    days: int


@dataclass(frozen=True, slots=True)
class LegalHold:
    user_id: str
    user_name: str
    reason: str
    placed_at: datetime
