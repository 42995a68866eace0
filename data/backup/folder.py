"""Manage the folder under the home that holds the portal's backups."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

from core.errors import InvalidInput, NotFound, StartFailed
from core.operations.records import BackupContents, BackupFile, Progress
from data.backup.file import is_sealed
from data.backup.restore import examine
from data.backup.write import write_backup
from data.database import Database

FORGOTTEN_S = 24 * 3600.0
"""Age in seconds at which a partial file counts as left by a killed process."""


class SqlBackupFolder:
    """Implements the port BackupFolder. Links are not followed, and files that are not backups are not listed."""

    def __init__(self, database: Database, path: Path) -> None:
        self._database = database
        self.path = path

    def all(self) -> Sequence[BackupFile]:
        found = [file for path in self.path.glob("*.backup") if (file := _inspect(path)) is not None]
        return sorted(found, key=lambda each: (each.written_at, each.name), reverse=True)

    def write(self, name: str, passphrase: str | None, progress: Progress) -> BackupFile:
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
            for part in self.path.glob("*.part"):
                with suppress(FileNotFoundError):  # Another process may have completed it by now.
                    if time.time() - part.stat().st_mtime > FORGOTTEN_S:
                        part.unlink()
        except OSError as problem:
            raise StartFailed("The backup {path} cannot be written: {reason}.", path=self.path, reason=problem.strerror) from problem
        written = write_backup(self._database, self.path / name, passphrase, progress)
        return BackupFile(name=name, written_at=datetime.now(UTC), size_bytes=written.size_bytes, sealed=written.sealed)

    def check(self, name: str, passphrase: str | None, progress: Progress) -> BackupContents:
        try:
            with (self.path / name).open("rb") as file:
                found = examine(file, passphrase, progress)
        except OSError as problem:
            raise NotFound("This backup does not exist.") from problem
        return BackupContents(found.made_at, found.revision, found.rows)

    def remove(self, name: str) -> None:
        try:
            (self.path / name).unlink()
        except OSError as problem:
            raise NotFound("This backup does not exist.") from problem


def _inspect(path: Path) -> BackupFile | None:
    """Describe a file; None if it is not a backup, or disappeared meanwhile."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            about = os.fstat(file.fileno())
            if not S_ISREG(about.st_mode):
                return None
            return BackupFile(
                name=path.name, written_at=datetime.fromtimestamp(about.st_mtime, UTC), size_bytes=about.st_size, sealed=is_sealed(file)
            )
    except (OSError, InvalidInput):
        return None
