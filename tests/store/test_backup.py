"""Backup and restore: everything or nothing, between databases of both kinds, while others write."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select

from core.errors import Conflict, InvalidInput, NotFound, StartFailed, Unavailable
from core.people.audit_records import AuditEvent
from core.people.records import Session, SessionKind
from data.backup.file import MAGIC, read_records, write_records
from data.backup.folder import SqlBackupFolder
from data.backup.restore import examine, is_empty, restore
from data.backup.tables import PARTS_AT_ONCE, RowHash, present_tables, record_line
from data.backup.write import write_backup
from data.database import Database, open_database
from data.index.worker import IndexWorker
from data.inspection import SqlStoreInspector
from data.migrate import migrate
from data.repositories.knowledge.files import PART_BYTES
from data.search.sqlite.index import SqliteIndex
from data.unit_of_work import SqlUnitOfWork
from tests.migrated import migrated_sqlite
from tests.store import things
from tests.store.things import put_exchange, put_file, put_user

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Yield an empty database of either kind."""
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path / 'restored.db'}")
        yield opened
        opened.close()
        return
    server = request.getfixturevalue("postgres_server")
    url = server.new_database()
    opened = open_database(url)
    yield opened
    opened.close()
    server.drop_database(url)


def fill(database: Database) -> None:
    ana = put_user(database)
    for n in range(4):
        talk, asked, answered = put_exchange(database, ana, f"问题 {n}\nwith \"quotes\" and \u2028", "Ünïcode 🙂", title=f"Talk {n}")
        with SqlUnitOfWork(database) as work:
            work.feedback.put(things.feedback(ana, answered, -1, "unclear"))
            work.audit.add(AuditEvent(things.later(microseconds=n), ana.id, "user.add", "bo", {"role": "admin", "名": "值"}))
            work.commit()
        # Nothing in it repeats: a changed bit of what is packed as a repetition may unpack to the same.
        put_file(database, ana, random.Random(n).randbytes(76_800 * n), shown_by=asked)
    put_file(database, ana, b"waits")
    with SqlUnitOfWork(database) as work:
        work.sessions.add(Session("0" * 64, ana.id, SessionKind.API, things.NOW, things.NOW + timedelta(hours=1)))
        work.conversations.remove(talk.id)
        work.commit()


def everything(database: Database) -> dict[str, list[Any]]:
    """Return all rows that a backup holds, as Python values."""
    with database.connect() as connection:
        return {
            table.name: sorted(tuple(map(repr, row)) for row in connection.execute(select(*table.clause.c))) for table in present_tables()
        }


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_what_is_restored_is_what_was_backed_up(database: Database, target: Database, tmp_path: Path, passphrase: str | None) -> None:
    fill(database)
    written = write_backup(database, tmp_path / "portal.backup", passphrase)
    assert (written.sealed, written.rows["messages"], written.rows["users"]) == (passphrase is not None, 6, 1)
    assert (written.rows["files"], written.rows["file_parts"], written.rows["attachments"]) == (4, 0 + 2 + 3 + 1, 3)
    assert written.path.stat().st_mode & 0o777 == 0o600
    assert ("Ünïcode".encode() in written.path.read_bytes()) is False
    assert is_empty(target)
    with written.path.open("rb") as file:
        found = restore(target, file, passphrase)
    assert found.rows == written.rows
    assert everything(target) == everything(database)
    with target.connect() as connection:
        assert set(inspect(connection).get_table_names()) >= {"sessions", "index_jobs", "alembic_version"}
    with SqlUnitOfWork(target) as work:
        assert work.sessions.user("0" * 64, things.NOW) is None
    migrate(target)
    # Sequences continue above the restored numbers.
    newcomer = put_user(target, things.user("newcomer"))
    _, asked, _ = put_exchange(target, newcomer)
    put_file(target, newcomer, shown_by=asked)


def test_files_go_from_one_database_to_the_other_and_back(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """More parts than are held in memory at once, on the way from SQLite to PostgreSQL to SQLite."""
    server = request.getfixturevalue("postgres_server")
    stores = [open_database(url) for url in (f"sqlite:///{tmp_path}/a.db", server.new_database(), f"sqlite:///{tmp_path}/b.db")]
    migrate(stores[0])
    fill(stores[0])
    content = os.urandom(3 * PARTS_AT_ONCE * PART_BYTES // 2 + 1)
    big = put_file(stores[0], put_user(stores[0], things.user("bo")), content)
    hashes = []
    for number, (source, target) in enumerate(pairwise(stores)):
        path = write_backup(source, tmp_path / f"{number}.backup", "correct horse").path
        with path.open("rb") as file:
            hashes.append(restore(target, file, "correct horse").hashes)
    assert hashes[0] == hashes[1]
    assert everything(stores[0]) == everything(stores[1]) == everything(stores[2])
    with SqlUnitOfWork(stores[2]) as work:
        assert work.files.content(big.id) == content
    for store in stores:
        store.close()


def test_a_backup_from_before_there_were_files_is_restored(written: Path, target: Database, tmp_path: Path) -> None:
    """As the release before wrote it: without the tables and columns that came since."""
    old = open_database(f"sqlite:///{tmp_path}/old.db")
    migrate(old, "0004")
    with old.connect() as connection:
        had = {name: {column["name"] for column in inspect(connection).get_columns(name)} for name in inspect(connection).get_table_names()}
    old.close()
    with written.open("rb") as file:
        records = list(read_records(file, None))
    older, sums, name = [records[0] | {"revision": "0004"}], {}, ""
    for record in records[1:-1]:
        if isinstance(record, dict):
            name, columns = record["table"], record["columns"]
            sums[name] = RowHash()
            record = {"table": name, "columns": [each for each in columns if each[0] in had.get(name, ())]}
        else:
            record = [value for value, column in zip(record, columns, strict=True) if column[0] in had.get(name, ())]
            sums[name].add(record_line(record))
        if name in had:
            older.append(record)
    older.append({"sums": {name: {"rows": each.rows, "hash": each.hex} for name, each in sums.items() if name in had}})
    before = BytesIO()
    write_records(before, older, None)
    for use in (lambda: examine(before, None), lambda: restore(target, before, None)):
        before.seek(0)
        found = use()
        assert found.revision == "0004" and "files" not in found.rows and found.rows["messages"] == 6
    restored = everything(target)
    assert [len(restored[name]) for name in ("messages", "conversations", "files", "file_parts", "folders")] == [6, 3, 0, 0, 0]
    with SqlUnitOfWork(target) as work:
        [ana] = work.users.all()
        [talk, *_] = work.conversations.of_user(ana.id, 10)
        put_file(target, ana, b"new", shown_by=work.messages.of_conversation(talk.id)[0])


def test_the_index_is_built_anew_above_all_old_versions(database: Database, target: Database, tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "search.db")
    fill(database)
    assert IndexWorker(database, index).drain(10)
    highest = max(document[2] for document in index_rows(tmp_path))
    written = write_backup(database, tmp_path / "portal.backup", None)
    with written.path.open("rb") as file:
        restore(target, file, None)
    worker = IndexWorker(target, index)
    assert worker.pending() > 0
    assert worker.drain(10)
    alive = [row for row in index_rows(tmp_path) if row[-1] is not None]
    assert {row[1] for row in alive if row[2] <= highest} == set()
    index.close()


def index_rows(folder: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(folder / "search.db") as sql:
        rows = sql.execute("SELECT kind, id, version, text FROM documents").fetchall()
    sql.close()
    return rows


def test_a_backup_is_of_one_moment_while_others_write(database: Database, tmp_path: Path) -> None:
    ana = put_user(database)
    for _ in range(50):
        put_exchange(database, ana)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            put_exchange(database, ana)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(3):
            rows = write_backup(database, tmp_path / f"{n}.backup", None).rows
            # Each exchange is one transaction: a conversation, two messages, a generation.
            assert rows["messages"] == 2 * rows["conversations"] == 2 * rows["generations"]
    finally:
        stop.set()
        writer.join()


def test_only_an_empty_database_is_filled(database: Database, tmp_path: Path) -> None:
    fill(database)
    written = write_backup(database, tmp_path / "portal.backup", None)
    before = everything(database)
    with written.path.open("rb") as file, pytest.raises(Conflict, match="is not empty"):
        restore(database, file, None)
    assert everything(database) == before


def test_a_backup_never_replaces_a_file(database: Database, tmp_path: Path) -> None:
    (tmp_path / "portal.backup").write_text("precious")
    with pytest.raises(Conflict, match="already exists"):
        write_backup(database, tmp_path / "portal.backup", None)
    assert (tmp_path / "portal.backup").read_text() == "precious"


def test_nothing_is_backed_up_from_nowhere(empty_url: str, tmp_path: Path) -> None:
    opened = open_database(empty_url)
    with pytest.raises(StartFailed, match="is empty or was written by another version"):
        write_backup(opened, tmp_path / "portal.backup", None)
    opened.close()
    assert not list(tmp_path.glob("*.backup*"))


def test_the_folder_of_the_portal_makes_lists_and_checks_backups(database: Database, tmp_path: Path) -> None:
    ana = put_user(database)
    for _ in range(300):
        put_exchange(database, ana)
    folder = SqlBackupFolder(database, tmp_path / "backups")
    assert folder.all() == []
    heard: list[float] = []
    made = folder.write("portal-1.backup", "correct horse", heard.append)
    assert made.sealed and folder.path.stat().st_mode & 0o777 == 0o700
    assert heard == sorted(heard) and 0 < heard[0] < 0.6 < heard[-1] <= 1
    [listed] = folder.all()
    assert (listed.name, listed.size_bytes, listed.sealed) == (made.name, made.size_bytes, True)
    heard.clear()
    found = folder.check("portal-1.backup", "correct horse", heard.append)
    assert found.rows == SqlStoreInspector(database).facts().rows and found.rows["messages"] == 600
    assert heard == sorted(heard) and 0 < heard[-1] <= 1
    folder.remove("portal-1.backup")
    for use in (lambda: folder.remove("portal-1.backup"), lambda: folder.check("portal-1.backup", None, heard.append)):
        with pytest.raises(NotFound):
            use()


def test_the_folder_lists_only_backups_and_follows_no_link(database: Database, tmp_path: Path) -> None:
    folder = SqlBackupFolder(database, tmp_path)
    folder.write("real.backup", None, lambda share: None)
    (tmp_path / "link.backup").symlink_to(tmp_path / "real.backup")
    (tmp_path / "text.backup").write_text("nothing")
    (tmp_path / "folder.backup").mkdir()
    os.mkfifo(tmp_path / "pipe.backup")
    assert [each.name for each in folder.all()] == ["real.backup"]


def test_a_backup_that_is_given_up_leaves_nothing_and_old_parts_go(database: Database, tmp_path: Path) -> None:
    put_exchange(database, put_user(database))
    folder = SqlBackupFolder(database, tmp_path / "backups")
    folder.path.mkdir()
    forgotten, recent = folder.path / "old.backup.part", folder.path / "new.backup.part"
    forgotten.write_bytes(b"x")
    recent.write_bytes(b"x")
    os.utime(forgotten, (1, 1))
    gone = folder.path / "gone.backup.part"
    gone.symlink_to("nowhere")  # As one that another process completes at this moment.

    def stop(share: float) -> None:
        raise Unavailable("The portal was stopped.")

    with pytest.raises(Unavailable):
        folder.write("portal-1.backup", None, stop)
    assert sorted(folder.path.iterdir()) == [gone, recent]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a backup that tests only read, and the same one with a passphrase beside it."""
    folder = tmp_path_factory.mktemp("written")
    database = migrated_sqlite(folder / "portal.db")
    fill(database)
    write_backup(database, folder / "sealed.backup", "correct horse")
    path = write_backup(database, folder / "portal.backup", None).path
    database.close()
    return path


@pytest.mark.parametrize("sealed", [False, True])
def test_a_file_that_is_cut_or_changed_anywhere_restores_nothing(written: Path, target: Database, sealed: bool) -> None:
    whole = (written.with_name("sealed.backup") if sealed else written).read_bytes()
    key = "correct horse" if sealed else None
    middle = len(whole) // 2
    flipped = bytes([whole[middle] ^ 1])
    for broken in (b"", MAGIC, whole[:-1], whole[:middle], whole + b"x", whole[:middle] + flipped + whole[middle + 1 :]):
        with pytest.raises(InvalidInput):
            restore(target, BytesIO(broken), key)
        assert is_empty(target)


def test_a_wrong_or_missing_passphrase_is_reported(written: Path) -> None:
    sealed = written.with_name("sealed.backup")
    with sealed.open("rb") as file, pytest.raises(InvalidInput, match="passphrase is wrong"):
        examine(file, "wrong")
    with sealed.open("rb") as file, pytest.raises(InvalidInput, match="is encrypted"):
        examine(file, None)


def test_rows_that_do_not_add_up_are_refused(written: Path) -> None:
    with written.open("rb") as file:
        records = list(read_records(file, None))
    users = next(n for n, record in enumerate(records) if isinstance(record, list))
    for changed in ([*records[:users], *records[users + 1 :]], [*records[: users + 1], *records[users:]], records[:-1]):
        file_again = BytesIO()
        write_records(file_again, changed, None)
        file_again.seek(0)
        with pytest.raises(InvalidInput, match="damaged"):
            examine(file_again, None)


def test_a_backup_of_a_newer_portal_is_refused(written: Path, target: Database) -> None:
    with written.open("rb") as file:
        records = list(read_records(file, None))
    records[0]["revision"] = "from-the-future"
    newer = BytesIO()
    write_records(newer, records, None)
    for use in (lambda: examine(newer, None), lambda: restore(target, newer, None)):
        newer.seek(0)
        with pytest.raises(InvalidInput, match="newer portal"):
            use()
    assert is_empty(target)


def test_a_restore_that_is_killed_leaves_the_database_empty(target: Database, tmp_path: Path) -> None:
    source = open_database(f"sqlite:///{tmp_path / 'portal.db'}")
    migrate(source)
    ana = put_user(source)
    for _ in range(300):
        put_exchange(source, ana)
    path = write_backup(source, tmp_path / "portal.backup", None).path
    source.close()
    child = (
        "import sys\n"
        "from pathlib import Path\n"
        "import data.backup.restore as module\n"
        "from data.database import open_database\n"
        "def told(*_):\n"
        "    print('rows are in', flush=True)\n"
        "    import time; time.sleep(60)\n"
        "module._move_sequences = told\n"
        "module.restore(open_database(sys.argv[1]), Path(sys.argv[2]).open('rb'), None)\n"
    )
    address = target.url.render_as_string(hide_password=False)
    with subprocess.Popen([sys.executable, "-c", child, address, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "rows are in\n"
        os.kill(process.pid, signal.SIGKILL)
    until = time.monotonic() + 60
    while not is_empty(target) and time.monotonic() < until:  # PostgreSQL needs a moment to see that its client is gone
        time.sleep(0.05)
    assert is_empty(target)
    with path.open("rb") as file:
        assert restore(target, file, None).rows["messages"] == 600
