"""What admins see and do about the store: what it holds, and backups of it beside the portal."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, PortalError, Unavailable
from core.operations.disk import ENDLESS, DiskSpace
from core.operations.ports import BackupFolder, StoreInspector
from core.operations.records import BackupContents, BackupFile, BackupTask, Progress, StoreFacts
from core.people.permissions import Permission, require
from core.people.records import AuditEvent, User
from core.unit_of_work import Store

log = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.backup")
SHORTEST_PASSPHRASE = 8


class Backups:
    """Makes and checks one backup at a time, on a thread of its own; `task` tells how far it is.

    Restoring is a command: it needs an empty place, and no portal runs in one.
    """

    def __init__(
        self,
        store: Store,
        inspector: StoreInspector,
        folder: BackupFolder,
        clock: Clock,
        passphrase: str | None = None,
        disk: DiskSpace = ENDLESS,
    ) -> None:
        """passphrase: what backups are encrypted with where nobody gives another. disk: a backup that leaves too little is given up."""
        self._disk = disk
        self._store = store
        self._inspector = inspector
        self._folder = folder
        self._clock = clock
        self._passphrase = passphrase
        self._lock = threading.Lock()
        self._task: BackupTask | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def folder(self) -> Path:
        return self._folder.path

    @property
    def has_passphrase(self) -> bool:
        """Whether every backup is encrypted, also where nobody gives a passphrase."""
        return self._passphrase is not None

    def facts(self, user: User) -> StoreFacts:
        """Counts every row: for a page that is opened, not for one that is polled. Raises Unavailable."""
        require(user.role, Permission.RUN_STORE)
        return self._inspector.facts()

    def backups(self, user: User) -> Sequence[BackupFile]:
        """Newest first."""
        require(user.role, Permission.RUN_STORE)
        return self._folder.all()

    def task(self, user: User) -> BackupTask | None:
        """What is being made or checked in this process, or was the last time."""
        require(user.role, Permission.RUN_STORE)
        return self._task

    def make(self, user: User, passphrase: str | None = None) -> BackupTask:
        """Begin a backup of this moment; it appears among the others once it was read again and found whole.

        Raises InvalidInput for a passphrase that is too short, Conflict while another is made or checked, Unavailable where the
        disk is almost full.
        """
        require(user.role, Permission.RUN_STORE)
        if passphrase and len(passphrase) < SHORTEST_PASSPHRASE:
            raise InvalidInput("A passphrase needs at least {n} characters.", n=SHORTEST_PASSPHRASE)
        self._disk.check()
        key = passphrase or self._passphrase
        name = f"portal-{self._clock():%Y%m%d-%H%M%S}.backup"

        def work(progress: Progress) -> None:
            def went_on(share: float) -> None:
                self._disk.check()
                progress(share)

            written = self._folder.write(name, key, went_on)
            self._audit(user, "backup.make", name, size_bytes=str(written.size_bytes), encrypted=str(written.sealed).lower())

        return self._begin(BackupTask("make", name), work)

    def check(self, user: User, name: str, passphrase: str | None = None) -> BackupTask:
        """Begin to read a backup to its end and compare it with its hashes; `task().contents` is what a restore would bring.

        Raises NotFound, Conflict while another is made or checked.
        """
        require(user.role, Permission.RUN_STORE)
        self._find(name)

        def work(progress: Progress) -> BackupContents:
            try:
                contents = self._folder.check(name, passphrase or self._passphrase, progress)
            except InvalidInput as problem:
                self._audit(user, "backup.check", name, found=str(problem))
                raise
            self._audit(user, "backup.check", name, found="whole")
            return contents

        return self._begin(BackupTask("check", name), work)

    def download(self, user: User, name: str) -> Path:
        """The file to send to this admin; that it left is noted. Raises NotFound."""
        require(user.role, Permission.RUN_STORE)
        found = self._find(name)
        self._audit(user, "backup.download", name, size_bytes=str(found.size_bytes), encrypted=str(found.sealed).lower())
        return self._folder.path / name

    def remove(self, user: User, name: str) -> None:
        """Raises NotFound, Conflict while it is checked."""
        require(user.role, Permission.RUN_STORE)
        self._find(name)
        with self._lock:
            if self._task is not None and not self._task.ended and self._task.name == name:
                raise Conflict("{name} is being checked. Wait until that has ended.", name=name)
            self._folder.remove(name)
        self._audit(user, "backup.remove", name)

    def close(self, timeout: float = 5.0) -> None:
        """A backup that is being made is given up; nothing of it stays."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _find(self, name: str) -> BackupFile:
        """Raises NotFound, also for whatever is not the plain name of a backup in the folder."""
        if _NAME.fullmatch(name):
            for each in self._folder.all():
                if each.name == name:
                    return each
        raise NotFound("There is no such backup.")

    def _begin(self, task: BackupTask, work: Callable[[Progress], BackupContents | None]) -> BackupTask:
        with self._lock:
            if self._task is not None and not self._task.ended:
                raise Conflict("Another backup is being made or checked. Wait until that has ended.")
            self._task = task
        self._thread = threading.Thread(target=self._run, args=(work,), name="backup", daemon=True)
        self._thread.start()
        return task

    def _run(self, work: Callable[[Progress], BackupContents | None]) -> None:
        try:
            self._change(contents=work(self._progress), progress=1.0, ended=True)
        except PortalError as problem:
            log.warning("The backup broke off: %s", problem)
            self._change(error=problem, ended=True)
        except Exception:
            # A bug: the log has it, the admin a sentence.
            log.exception("The backup broke off")
            self._change(error=Unavailable("The backup broke off. The log has the details."), ended=True)

    def _progress(self, share: float) -> None:
        if self._stopping.is_set():
            raise Unavailable("The portal was stopped before the backup had ended.")
        self._change(progress=min(1.0, share))

    def _change(self, **fields: object) -> None:
        with self._lock:
            assert self._task is not None
            self._task = replace(self._task, **fields)  # type: ignore[arg-type]

    def _audit(self, user: User, action: str, name: str, **details: str) -> None:
        with self._store() as work:
            work.audit.add(AuditEvent(self._clock(), user.id, action, name, details))
            work.commit()


def change_of(contents: BackupContents, facts: StoreFacts) -> Mapping[str, tuple[int, int]]:
    """By table, how many rows the backup holds and how many the store has now: what a restore would change."""
    return {name: (contents.rows.get(name, 0), facts.rows.get(name, 0)) for name in {**facts.rows, **contents.rows}}
