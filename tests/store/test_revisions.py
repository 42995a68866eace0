"""Every revision of the tables, with rows in every table: upgraded to, downgraded from, and used by the code of the previous release."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Table as SqlTable
from sqlalchemy import select, text

from core.errors import StartFailed
from data import migrate as migrating
from data.database import Database, open_database
from data.migrate import downgrade, knows, migrate, newest_revision
from data.tables import Table
from samples.servers.postgresql import PostgresServer
from tests.store.rows_of_every_table import fill, rows_of, tables_of

ROOT = Path(__file__).parents[2]
SCRIPTS = ScriptDirectory(str(ROOT / "data" / "migrations"))
REVISIONS = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]
STEPS = list(pairwise(REVISIONS))
UPDATED = [*REVISIONS[:-16:4], *REVISIONS[-16:]]
"""The releases whose update to the newest is tried: all recent ones, and every fourth of the others, since each step is tried too."""


@pytest.fixture
def empty(empty_url: str) -> Database:
    return open_database(empty_url)


def revision_of(database: Database) -> str | None:
    with database.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def differences(database: Database) -> list[object]:
    with database.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Table.metadata))


def broken_keys(database: Database) -> list[object]:
    """Rows that point at nothing. PostgreSQL does not allow any; SQLite does while it is migrated."""
    if not database.is_sqlite:
        return []
    with database.connect() as connection:
        return list(connection.execute(text("PRAGMA foreign_key_check")))


def test_there_is_one_head_and_one_line_of_revisions() -> None:
    assert SCRIPTS.get_heads() == [newest_revision()] == REVISIONS[-1:]
    assert [script.down_revision for script in SCRIPTS.walk_revisions()] == [*REVISIONS[-2::-1], None]
    assert all(map(knows, REVISIONS)) and not knows("9999"), "their files are named after them"


class Releases:
    """Databases of each release with two rows in every table. Each is made once, when it is first asked for; tests take copies."""

    def __init__(self, folder: Path, server: PostgresServer | None) -> None:
        self._folder = folder
        self._server = server
        self._growing = self._new()
        """A database without rows that is migrated from release to release."""
        self._reached = -1
        self._filled: dict[str, tuple[str, list[SqlTable]]] = {}

    @contextmanager
    def copy(self, revision: str) -> Iterator[tuple[Database, list[SqlTable]]]:
        """Open a copy with the rows, and remove it afterwards."""
        if revision not in self._filled:
            self._filled[revision] = self._fill(revision)
        template, tables = self._filled[revision]
        url = self._new(template)
        database = open_database(url)
        yield database, tables
        database.close()
        if self._server:
            self._server.drop_database(url)

    def _fill(self, revision: str) -> tuple[str, list[SqlTable]]:
        if REVISIONS.index(revision) < self._reached:
            self._growing = self._new()
        self._reached = REVISIONS.index(revision)
        database = open_database(self._growing)
        migrate(database, revision)
        database.close()
        url = self._new(self._growing)
        database = open_database(url)
        with database.engine.begin() as connection:
            tables = tables_of(connection)
            fill(connection, tables)
        database.close()
        return url, tables

    def _new(self, like: str | None = None) -> str:
        """Return the URL of an empty database, or of a copy."""
        if self._server:
            return self._server.new_database(like)
        path = self._folder / f"{uuid4().hex}.db"
        if like:
            shutil.copyfile(like.removeprefix("sqlite:///"), path)
        return f"sqlite:///{path}"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def releases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Releases:
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    return Releases(tmp_path_factory.mktemp("releases"), server)


@pytest.mark.parametrize("revision", UPDATED)
def test_the_rows_of_a_release_stay_through_an_update_and_back(releases: Releases, revision: str) -> None:
    with releases.copy(revision) as (database, tables):
        with database.connect() as connection:
            before = rows_of(connection, tables)
        assert all(len(rows) == 2 for rows in before.values()) and "messages" in before
        for step in (migrate, lambda database: downgrade(database, revision), migrate):
            step(database)
            with database.connect() as connection:
                assert rows_of(connection, tables) == before
            assert broken_keys(database) == []
        assert differences(database) == [], "an update of a used store ends where a new one begins"


@pytest.mark.parametrize(("old", "new"), STEPS)
def test_the_release_before_reads_and_writes_beside_the_new_one(releases: Releases, old: str, new: str) -> None:
    """While replicas are replaced one by one, the old code runs on the new tables."""
    with releases.copy(old) as (database, tables):
        migrate(database, new)
        with database.engine.begin() as connection:
            fill(connection, tables, first=10)
            counts = {name: len(rows) for name, rows in rows_of(connection, tables).items()}
            assert counts == dict.fromkeys([each.name for each in tables], 4)
            users = next(each for each in tables if each.name == "users")
            connection.execute(users.update().values(full_name="changed"))
            assert set(connection.scalars(select(users.c.full_name))) == {"changed"}
            for table in reversed(tables):
                assert connection.execute(table.delete()).rowcount > 0, table.name


@pytest.mark.parametrize(("revision", "statements"), [("base", 9), (REVISIONS[-2], 1)])
def test_a_migration_that_is_killed_half_way_is_done_by_the_next_start(empty: Database, revision: str, statements: int) -> None:
    known = revision if revision != "base" else None
    if known:
        migrate(empty, known)
        with empty.engine.begin() as connection:
            fill(connection, tables_of(connection))
    child = (
        "import sys, time\n"
        "from sqlalchemy import Engine, event\n"
        "from data.database import open_database\n"
        "from data.migrate import migrate\n"
        "done = []\n"
        "def told(connection, cursor, statement, *_):\n"
        "    done.extend([1] if statement.split()[0] in ('CREATE', 'ALTER', 'DROP') else [])\n"
        "    if len(done) >= int(sys.argv[2]):\n"
        "        print('half way', flush=True)\n"
        "        time.sleep(60)\n"
        "event.listen(Engine, 'after_cursor_execute', told)\n"
        "migrate(open_database(sys.argv[1]))\n"
    )
    address = empty.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", child, address, str(statements)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half way\n"
        os.kill(process.pid, signal.SIGKILL)
    assert revision_of(empty) == known
    migrate(empty)
    assert revision_of(empty) == newest_revision()
    assert differences(empty) == []
    empty.close()


def test_a_failed_migration_leaves_the_store_as_it_was(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(empty, REVISIONS[-2])

    def broken(connection: object, revision: str) -> None:
        upgrade(connection, revision)  # type: ignore[arg-type]
        raise RuntimeError("in the middle")

    upgrade = migrating.upgrade
    monkeypatch.setattr(migrating, "upgrade", broken)
    with pytest.raises(RuntimeError, match="in the middle"):
        migrate(empty)
    assert revision_of(empty) == REVISIONS[-2]
    if empty.is_sqlite:
        with empty.connect() as connection:
            assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1, "the connection goes back to work with its rules on"
    empty.close()


def test_a_migration_waits_briefly_for_a_table_and_tries_again(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    server = request.getfixturevalue("postgres_server")
    database = open_database(server.new_database())
    migrate(database, "0003")
    monkeypatch.setattr(migrating, "LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(migrating, "PAUSE_S", 0.2)
    waited: list[float] = []
    with database.engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM generations"))  # a report, a backup: its transaction holds the table

        def ask() -> None:
            time.sleep(0.1)
            began = time.monotonic()
            with database.connect() as other:
                other.execute(text("SELECT count(*) FROM generations"))
            waited.append(time.monotonic() - began)
            time.sleep(0.5)
            reader.rollback()

        asking = threading.Thread(target=ask)
        asking.start()
        migrate(database)
        asking.join()
    assert revision_of(database) == newest_revision()
    assert waited and waited[0] < 20, "it waited for the reader too"
    with database.engine.connect() as reader:
        monkeypatch.setattr(migrating, "TRIES", 2)
        downgrade(database, "0003")
        reader.execute(text("SELECT count(*) FROM generations"))
        with pytest.raises(StartFailed, match="cannot be used"):
            migrate(database)
        assert revision_of(database) == "0003"
    database.close()
