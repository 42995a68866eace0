"""Declare the database inspector, the backup folder and the repository of retention rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from core.operations.records import BackupContents, BackupFile, LegalHold, Progress, RetentionKind, RetentionRule, StoreFacts


class StoreInspector(Protocol):
    def facts(self) -> StoreFacts:
        """Raises Unavailable."""
        ...


class BackupFolder(Protocol):
    """The folder with backups, and what makes them. Names are plain file names that all() gave, or new ones."""

    @property
    def path(self) -> Path: ...
    def all(self) -> Sequence[BackupFile]:
        """Newest first; none where there is no folder yet."""
        ...

    def write(self, name: str, passphrase: str | None, progress: Progress) -> BackupFile:
        """The store of this moment, verified. Raises Conflict if the name is taken, StartFailed if it cannot be written."""
        ...

    def check(self, name: str, passphrase: str | None, progress: Progress) -> BackupContents:
        """Read to the end. Raises InvalidInput for a file that is not whole or a wrong passphrase, NotFound if it is gone."""
        ...

    def remove(self, name: str) -> None:
        """Raises NotFound if it is gone."""
        ...


class RetentionRepository(Protocol):
    def rules(self) -> Sequence[RetentionRule]: ...
    def put_rule(self, rule: RetentionRule) -> None: ...
    def remove_rule(self, kind: RetentionKind, group: str) -> bool:
        """False if there is none."""
        ...

    def holds(self) -> Sequence[LegalHold]: ...
    def keep_holds(self) -> None:
        """Until the end nobody places or lifts a hold. Call it first where something is deleted only if nobody holds it."""
        ...

    def is_held(self, user_id: str) -> bool:
        """Nobody places or lifts a hold from here until the end."""
        ...

    def place_hold(self, hold: LegalHold) -> None:
        """A second one for the same person changes the reason."""
        ...

    def lift_hold(self, user_id: str) -> bool:
        """False if there is none."""
        ...

    def due(self, rule: RetentionRule, before: datetime, except_groups: Sequence[str], limit: int) -> Sequence[str]:
        """Ids of what the rule makes due, oldest first: last changed before this moment, nobody's under a hold, no running answer.

        Until the end nobody changes them. Files are due by when they were added, and only once a question has taken them with it.
        except_groups: the groups with rules of their own; only the rule for every group leaves them out.
        """
        ...

    def remove(self, kind: RetentionKind, ids: Sequence[str]) -> None:
        """Delete for good, with all that belongs to it, and queue the index jobs."""
        ...
