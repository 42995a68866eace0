"""A store that is full, busy, slow or gone reports it in one sentence and never saves half a change."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from core.errors import Unavailable
from data import database as database_module
from data.connections import write_turns
from data.database import Database, open_database
from data.migrate import migrate
from data.unit_of_work import SqlUnitOfWork
from samples.servers.postgresql import PostgresServer
from tests.small_disk import file_limit
from tests.store import things
from tests.store.things import put_exchange, put_user


@pytest.fixture
def impatient(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Yield a database with two connections that never wait long."""
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.2)
    monkeypatch.setattr(write_turns, "MAX_WAIT_S", 0.2)
    monkeypatch.setattr(database_module, "POOL_TIMEOUT_S", 0.2)
    monkeypatch.setattr(database_module, "STATEMENT_TIMEOUT_S", 10)
    opened = open_database(empty_url, pool_size=2, max_overflow=0)
    migrate(opened)
    yield opened
    opened.close()


def test_a_full_disk_saves_nothing_and_the_store_works_on(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'portal.db'}", pool_size=1, max_overflow=0)
    migrate(database)
    ana = put_user(database)
    with database.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(Unavailable, match="database's disk is full"):
        put_exchange(database, ana, answered="long " * 20_000)
    with SqlUnitOfWork(database) as work:
        assert work.conversations.of_user(ana.id, 10) == []
    with database.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    put_exchange(database, ana, answered="long " * 20_000)
    database.close()


def test_the_limit_for_the_size_of_a_file_is_not_called_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "portal.db"
    database = open_database(f"sqlite:///{path}", pool_size=1, max_overflow=0)
    migrate(database)
    ana = put_user(database)
    with (
        file_limit((tmp_path / "portal.db-wal").stat().st_size + 8192),
        pytest.raises(Unavailable, match=r"limit for the size of a file\. Nothing was saved"),
    ):
        put_exchange(database, ana, answered="long " * 20_000)
    put_exchange(database, ana, answered="long " * 20_000)
    database.close()


def test_after_a_failed_statement_nothing_can_be_committed(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'portal.db'}", pool_size=1, max_overflow=0)
    migrate(database)
    ana = put_user(database)
    with database.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    with SqlUnitOfWork(database) as work:
        with pytest.raises(Unavailable):
            work.conversations.add(things.conversation(ana, "long " * 20_000))
        with pytest.raises(Unavailable, match="nothing of it was saved"):
            work.conversations.add(things.conversation(ana, "short"))
        with pytest.raises(Unavailable, match="nothing of it was saved"):
            work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.conversations.of_user(ana.id, 10) == []
    database.close()


def test_a_change_that_somebody_else_holds_makes_the_store_busy(impatient: Database) -> None:
    ana = put_user(impatient)
    with SqlUnitOfWork(impatient) as holder:
        holder.users.save(ana)
        with pytest.raises(Unavailable, match="busy"), SqlUnitOfWork(impatient) as work:
            work.users.set_language(ana.id, "zh")


def test_reading_goes_on_while_somebody_writes(impatient: Database) -> None:
    ana = put_user(impatient)
    with SqlUnitOfWork(impatient) as writer, SqlUnitOfWork(impatient) as reader:
        writer.users.set_language(ana.id, "zh")
        assert reader.users.get(ana.id) == ana


def test_when_all_connections_are_taken_the_store_has_too_much_to_do(impatient: Database) -> None:
    with (
        ThreadPoolExecutor(1) as other,
        SqlUnitOfWork(impatient),
        impatient.engine.connect(),
        pytest.raises(Unavailable, match="overloaded"),
    ):
        other.submit(SqlUnitOfWork(impatient).__enter__).result()


def test_many_writers_at_once_all_get_their_turn(database: Database) -> None:
    ana = put_user(database)

    def write(_: int) -> None:
        for _ in range(10):
            put_exchange(database, ana)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(write, range(12)))
    with SqlUnitOfWork(database) as work:
        assert len(work.conversations.of_user(ana.id, 1000)) == 120


def test_a_statement_that_takes_too_long_is_ended(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "STATEMENT_TIMEOUT_S", 1)
    database = open_database(postgres_server.new_database())
    with database.connect() as connection, pytest.raises(Unavailable, match="too long"):
        connection.exec_driver_sql("SELECT pg_sleep(30)")
    database.close()


def test_a_server_that_goes_and_comes_back_is_used_again(postgres_server: PostgresServer) -> None:
    database = open_database(postgres_server.new_database())
    migrate(database)
    ana = put_user(database)
    postgres_server.kill()
    with pytest.raises(Unavailable, match="cannot be reached"), SqlUnitOfWork(database) as work:
        work.users.get(ana.id)
    postgres_server.start()
    with SqlUnitOfWork(database) as work:
        assert work.users.get(ana.id) == ana
    database.close()


def test_wrong_sql_is_an_error_and_not_an_unavailable_store(database: Database) -> None:
    with database.connect() as connection, pytest.raises(Exception, match="no_such_table") as caught:
        connection.exec_driver_sql("SELECT * FROM no_such_table")
    assert not isinstance(caught.value, Unavailable)


def test_sqlite_keeps_what_was_committed_in_wal_mode_with_foreign_keys(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'portal.db'}")
    with database.connect() as connection:
        settings = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert settings == ["wal", 1, 1]
    database.close()
    assert sqlite3.sqlite_version_info >= (3, 40)


def test_postgresql_sessions_have_timeouts_and_utc(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    database = open_database(url)
    with database.connect() as connection:
        names = ("timezone", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        settings = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]
    assert settings == ["UTC", "30s", "10s", "2min"]
    database.close()
    with psycopg.connect(url) as plain:
        assert plain.execute("SHOW statement_timeout").fetchone() == ("0",)
