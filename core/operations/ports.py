"""Declare the database inspector, the backup folder and the repository of retention rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from core.operations.records import BackupContents, BackupFile, LegalHold, Progress, RetentionKind, RetentionRule, StoreFacts


class StoreInspector(Protocol):
    """Describes the database."""

    def facts(self) -> StoreFacts:
        """Count what the database holds. Raises Unavailable."""
        ...


class BackupFolder(Protocol):
    """Reads and writes the folder of backups. Names are plain file names: those returned by all(), or new ones."""

    @property
    def path(self) -> Path: ...
    def all(self) -> Sequence[BackupFile]:
        """List the backups, newest first; empty if the folder does not exist yet."""
        ...

    def write(self, name: str, passphrase: str | None, progress: Progress) -> BackupFile:
        """Write and verify a backup of the current state. Raises Conflict if the name is taken, StartFailed if it cannot be written."""
        ...

    def check(self, name: str, passphrase: str | None, progress: Progress) -> BackupContents:
        """Read a backup to its end. Raises InvalidInput for a damaged file or a wrong passphrase, NotFound if it is gone."""
        ...

    def remove(self, name: str) -> None:
        """Delete a backup. Raises NotFound if it is gone."""
        ...


class RetentionRepository(Protocol):
    """Stores retention rules and legal holds, and deletes due rows."""

    def rules(self) -> Sequence[RetentionRule]: ...
    def put_rule(self, rule: RetentionRule) -> None: ...
    def remove_rule(self, kind: RetentionKind, group: str) -> bool:
        """Delete a rule. Returns False if there is none."""
        ...

    def rename_group(self, old: str, new: str) -> None:
        """Assign the rules of a group to its new name."""
        ...

    def holds(self) -> Sequence[LegalHold]: ...
    def keep_holds(self) -> None:
        """Lock the holds until the transaction ends, so that none is placed or lifted. Call this before deleting protected data."""
        ...

    def is_held(self, user_id: str) -> bool:
        """Tell whether a person is under a legal hold, and lock the holds until the transaction ends."""
        ...

    def place_hold(self, hold: LegalHold) -> None:
        """Place a hold. A second hold for the same person only changes the reason."""
        ...

    def lift_hold(self, user_id: str) -> bool:
        """Lift a hold. Returns False if there is none."""
        ...

    def due(self, rule: RetentionRule, before: datetime, except_groups: Sequence[str], limit: int) -> Sequence[str]:
        """Return ids of due rows, oldest first: last changed before this time, without a hold or a running answer.

        The rows are locked until the transaction ends. Files are due by their upload date, and only once a question has taken them.
        except_groups: groups with rules of their own, to which the rule for every group does not apply.
        """
        ...

    def remove(self, kind: RetentionKind, ids: Sequence[str]) -> None:
        """Delete rows permanently with everything that belongs to them, and queue the index jobs."""
        ...
