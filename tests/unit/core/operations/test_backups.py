from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, StartFailed, Unavailable
from core.operations.backups import Backups, change_of
from core.operations.disk import DiskSpace
from core.operations.records import BackupContents, BackupFile, BackupTask, Progress, StoreFacts
from core.people.audit_records import AuditEvent
from core.people.records import User
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.worker import JobWorker
from core.unit_of_work import UnitOfWorkFactory
from tests.store import things
from tests.unit.core.conftest import SERVER, MovingClock

NAME = "portal-20261121-120000.backup"


class Inspector:
    def facts(self) -> StoreFacts:
        return StoreFacts("SQLite", "3.40", "/portal.db", "0004", 1000, {"users": 2})


class Folder:
    """Writes and checks when `go` is set, and fails with `error`."""

    path = Path("/backups")

    def __init__(self) -> None:
        self.files: list[BackupFile] = []
        self.keys: list[str | None] = []
        self.error: Exception | None = None
        self.go = threading.Event()
        self.go.set()

    def all(self) -> list[BackupFile]:
        return self.files

    def write(self, name: str, passphrase: str | None, progress: Progress) -> BackupFile:
        self._work(passphrase, progress)
        self.files.insert(0, BackupFile(name, things.NOW, 123, passphrase is not None))
        return self.files[0]

    def check(self, name: str, passphrase: str | None, progress: Progress) -> BackupContents:
        self._work(passphrase, progress)
        return BackupContents(things.NOW, "0003", {"users": 1, "old": 4})

    def remove(self, name: str) -> None:
        self.files = [each for each in self.files if each.name != name]

    def _work(self, passphrase: str | None, progress: Progress) -> None:
        self.keys.append(passphrase)
        progress(0.5)
        while not self.go.wait(0.01):
            progress(0.5)
        if self.error is not None:
            raise self.error


@pytest.fixture
def folder() -> Iterator[Folder]:
    made = Folder()
    yield made
    made.go.set()


Working = Callable[[Sequence[JobKind]], JobWorker]


@pytest.fixture
def room(unit_of_work: UnitOfWorkFactory, jobs: Jobs, folder: Folder, clock: MovingClock, working: Working) -> Backups:
    made = Backups(unit_of_work, jobs, Inspector(), folder, clock, SERVER)
    working(made.job_kinds())
    return made


def settled(room: Backups, admin: User) -> BackupTask:
    until = time.monotonic() + 60
    while (task := room.task(admin)) is None or not task.ended:
        assert time.monotonic() < until
        time.sleep(0.005)
    return task


def backup_events(unit_of_work: UnitOfWorkFactory) -> list[AuditEvent]:
    with unit_of_work() as work:
        found = [each.event for each in work.audit.by_ids([str(number) for number in range(1, 50)])]
    return [event for event in found if event.action.startswith("backup.")]


def test_a_backup_is_made_and_noted(unit_of_work: UnitOfWorkFactory, room: Backups, folder: Folder, admin: User) -> None:
    assert room.make(admin, "a passphrase").name == NAME
    task = settled(room, admin)
    assert (task.action, task.progress, task.error) == ("make", 1.0, None)
    assert [each.name for each in room.backups(admin)] == [NAME]
    [event] = backup_events(unit_of_work)
    assert (event.action, event.actor_id, event.subject) == ("backup.make", admin.id, NAME)
    assert event.details == {"size_bytes": "123", "encrypted": "true"}


def test_the_passphrase_of_the_portal_is_used_where_nobody_gives_one(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, folder: Folder, clock: MovingClock, working: Working, admin: User
) -> None:
    room = Backups(unit_of_work, jobs, Inspector(), folder, clock, SERVER, "the portal's own")
    working(room.job_kinds())
    room.make(admin)
    settled(room, admin)
    room.check(admin, NAME)
    settled(room, admin)
    room.check(admin, NAME, "another one")
    settled(room, admin)
    assert room.has_passphrase and folder.keys == ["the portal's own", "the portal's own", "another one"]


def test_a_short_passphrase_is_refused(room: Backups, folder: Folder, admin: User) -> None:
    with pytest.raises(InvalidInput, match="at least 8"):
        room.make(admin, "1234567")
    assert room.task(admin) is None and folder.keys == []


def test_one_is_made_or_checked_at_a_time(room: Backups, folder: Folder, admin: User) -> None:
    room.make(admin)
    settled(room, admin)
    folder.go.clear()
    room.check(admin, NAME)
    for again in (lambda: room.make(admin), lambda: room.check(admin, NAME), lambda: room.remove(admin, NAME)):
        with pytest.raises(Conflict):
            again()
    folder.go.set()
    settled(room, admin)
    room.remove(admin, NAME)
    assert room.backups(admin) == []


def test_a_check_tells_what_a_restore_would_change(unit_of_work: UnitOfWorkFactory, room: Backups, admin: User) -> None:
    room.make(admin)
    settled(room, admin)
    room.check(admin, NAME)
    found = settled(room, admin).contents
    assert found is not None and change_of(found, room.facts(admin)) == {"users": (1, 2), "old": (4, 0)}
    assert [event.details.get("found") for event in backup_events(unit_of_work)] == [None, "whole"]


def test_a_damaged_backup_is_reported_and_noted(unit_of_work: UnitOfWorkFactory, room: Backups, folder: Folder, admin: User) -> None:
    room.make(admin)
    settled(room, admin)
    folder.error = InvalidInput("This backup is truncated: its end is missing.")
    room.check(admin, NAME)
    task = settled(room, admin)
    assert str(task.error) == str(folder.error) and task.contents is None
    assert backup_events(unit_of_work)[-1].details == {"found": "This backup is truncated: its end is missing."}


@pytest.mark.parametrize("error", [StartFailed("The disk is full."), RuntimeError("a bug")])
def test_what_breaks_off_is_said_and_the_next_one_may_begin(room: Backups, folder: Folder, admin: User, error: Exception) -> None:
    folder.error = error
    room.make(admin)
    task = settled(room, admin)
    assert task.error is not None and "bug" not in str(task.error) and room.backups(admin) == []
    folder.error = None
    room.make(admin)
    assert settled(room, admin).error is None


def test_a_portal_that_stops_gives_the_backup_up(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, folder: Folder, clock: MovingClock, working: Working, admin: User
) -> None:
    room = Backups(unit_of_work, jobs, Inspector(), folder, clock, SERVER)
    worker = working(room.job_kinds())
    folder.go.clear()
    room.make(admin)
    while not folder.keys:
        time.sleep(0.005)
    worker.close()
    task = settled(room, admin)
    assert "was stopped" in str(task.error) and folder.files == [] and backup_events(unit_of_work) == []


def test_only_names_of_backups_in_the_folder_are_taken(unit_of_work: UnitOfWorkFactory, room: Backups, folder: Folder, admin: User) -> None:
    odd = ["../portal.db", "..", "", "/etc/passwd", "a/b.backup", ".backup", "x.backup\n", "x\0.backup", "a" * 300 + ".backup"]
    folder.files = [BackupFile(name, things.NOW, 1, False) for name in odd]
    for name in (*odd, "gone.backup"):
        for use in (room.download, room.check, room.remove):
            with pytest.raises(NotFound):
                use(admin, name)
    assert len(folder.files) == len(odd) and backup_events(unit_of_work) == []


def test_a_passphrase_is_never_stored_and_a_backup_that_lost_it_says_so(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, folder: Folder, clock: MovingClock, working: Working, admin: User
) -> None:
    """The portal stopped before the job began: the next one does not have the passphrase."""
    Backups(unit_of_work, jobs, Inspector(), folder, clock, SERVER).make(admin, "a passphrase")
    [job] = jobs.list(admin)
    assert "a passphrase" not in str(job)
    room = Backups(unit_of_work, jobs, Inspector(), folder, clock, SERVER)
    working(room.job_kinds())
    task = settled(room, admin)
    assert "enter it" in str(task.error) and folder.files == []


def test_a_download_is_noted(unit_of_work: UnitOfWorkFactory, room: Backups, folder: Folder, admin: User) -> None:
    folder.files = [BackupFile("x.backup", things.NOW, 7, False)]
    assert room.download(admin, "x.backup") == Path("/backups/x.backup")
    [event] = backup_events(unit_of_work)
    assert (event.action, event.details) == ("backup.download", {"size_bytes": "7", "encrypted": "false"})


def test_others_than_admins_get_nothing(room: Backups, folder: Folder, ana: User) -> None:
    folder.files = [BackupFile("x.backup", things.NOW, 7, False)]
    for ask in (room.facts, room.backups, room.task, room.make):
        with pytest.raises(NotAllowed):
            ask(ana)
    for use in (room.download, room.check, room.remove):
        with pytest.raises(NotAllowed):
            use(ana, "x.backup")


def test_a_backup_that_would_fill_the_disk_is_given_up(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, folder: Folder, clock: MovingClock, working: Working, admin: User
) -> None:
    free = [1000]
    disk = DiskSpace(lambda: free[0], 100, iter(range(100_000)).__next__)
    room = Backups(unit_of_work, jobs, Inspector(), folder, clock, SERVER, disk=disk)
    working(room.job_kinds())
    folder.go.clear()
    room.make(admin)
    free[0] = 99
    task = settled(room, admin)
    assert task.error is not None and "almost full" in str(task.error)
    assert folder.files == []
    with pytest.raises(Unavailable, match="almost full"):
        room.make(admin)
