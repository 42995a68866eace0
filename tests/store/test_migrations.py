"""Migrations, and the states of a database that stop a start."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from core.errors import StartFailed
from core.people.records import Permission
from data.database import Database, open_database
from data.migrate import downgrade, migrate
from data.tables import Table
from data.unit_of_work import SqlUnitOfWork
from samples.servers.ports import free_port
from tests.store import things
from tests.store.things import put_exchange, put_user


def test_models_and_migrations_agree(database: Database) -> None:
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Table.metadata) == []


def test_up_down_and_up_again_works(database: Database) -> None:
    put_exchange(database, put_user(database))
    downgrade(database, "base")
    with database.connect() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    migrate(database)
    with SqlUnitOfWork(database) as work:
        assert work.users.count() == 0


def test_migrating_again_changes_nothing(database: Database) -> None:
    put_user(database)
    migrate(database)
    with SqlUnitOfWork(database) as work:
        assert work.users.count() == 1


def test_rows_of_the_release_before_stay_and_it_can_still_write(database: Database) -> None:
    """Its code runs on, in other replicas, while this one migrates."""
    ana = put_user(database)
    talk, asked, _ = put_exchange(database, ana)
    downgrade(database, "0003")
    migrate(database)
    before = things.Timings(0.1, 0.4, 2.5, 38.25, 1.5)
    with SqlUnitOfWork(database) as work:
        [_, old] = work.messages.of_conversation(talk.id)
        assert old.generation is not None and old.generation.timings == before
    again = things.answer(asked, "Second version.")
    with SqlUnitOfWork(database) as work:
        work.messages.add(again)
        work.commit()
    with database.engine.begin() as connection:
        columns = (
            "user_id, group_name, created_at, model, model_version, platform, prompt_tokens, completion_tokens, cached_tokens, queue_s, "
            "ttft_s, duration_s, tokens_per_second, thinking_s, finish_reason, source, conversation_id, error, variant, cost"
        )
        written = text(f"INSERT INTO generations (id, message_id, {columns}) SELECT 'new', :message, {columns} FROM generations")
        connection.execute(written, {"message": again.id})
    with SqlUnitOfWork(database) as work:
        new = work.messages.get(again.id)
        assert new is not None and new.generation is not None and new.generation.timings == before
        assert [row.inter_token_p95_s for row in work.generations.rated(things.NOW, things.later(days=1))] == [None, None]


def test_custom_roles_that_may_chat_get_memory(database: Database) -> None:
    downgrade(database, "0037")
    roles = {"writer": ["chat", "manage_people"], "auditor": ["read_audit"]}
    with database.connect() as connection, connection.begin():
        for name, permissions in roles.items():
            row = {"name": name, "permissions": json.dumps({"permissions": permissions})}
            connection.execute(text("INSERT INTO roles (name, permissions, created_at) VALUES (:name, :permissions, '2026-01-01')"), row)
    migrate(database)
    with SqlUnitOfWork(database) as work:
        assert {role.name: role.permissions for role in work.roles.all()} == {
            "writer": {Permission.CHAT, Permission.MANAGE_PEOPLE, Permission.MEMORY},
            "auditor": {Permission.READ_AUDIT},
        }


def test_many_processes_may_start_at_once(empty_url: str) -> None:
    def start(_: int) -> None:
        opened = open_database(empty_url)
        migrate(opened)
        opened.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(start, range(4))) == [None] * 4


def test_many_connections_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    def connect(name: str) -> None:
        opened = open_database(f"sqlite:///{tmp_path / name}")
        opened.connect().close()
        opened.close()

    with ThreadPoolExecutor(4) as pool:
        for number in range(60):  # Without another try, one in eight of these was refused.
            assert list(pool.map(connect, [f"{number}.db"] * 4)) == [None] * 4


def test_a_database_newer_than_the_code_stops_the_start(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    with pytest.raises(StartFailed, match="newer portal"):
        migrate(database)


def test_a_file_that_is_no_database_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "portal.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StartFailed, match="not a database"):
        migrate(open_database(f"sqlite:///{tmp_path / 'portal.db'}"))


def test_a_folder_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StartFailed, match="cannot be created or written"):
        open_database(f"sqlite:///{tmp_path / 'file' / 'portal.db'}")


def test_only_this_user_may_read_the_file(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'portal.db'}")
    migrate(database)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    database.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StartFailed, match="cannot be written"):
        open_database(f"sqlite:///{tmp_path / 'portal.db'}")


def test_a_server_that_does_not_answer_stops_the_start_without_showing_its_password() -> None:
    database = open_database(f"postgresql://portal:secret@127.0.0.1:{free_port()}/portal")
    with pytest.raises(StartFailed, match="Check that it is running") as caught:
        migrate(database)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "not an address", "mysql://host/name", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_cannot_be_used_stops_the_start(url: str) -> None:
    with pytest.raises(StartFailed, match="PORTAL_DATABASE_URL"):
        open_database(url)
