"""Writers of one process write to SQLite in the order in which they came, so that none of them asks in vain until its timeout."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from core.errors import Unavailable
from data.connections.write_turns import BUSY, WriteTurns, turns_of
from data.database import POOL_TIMEOUT_S, Database, open_database
from data.migrate import migrate
from data.transaction import Transaction
from data.unit_of_work import SqlUnitOfWork

LONG_S = 60.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/portal.db")
    yield database
    database.close()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_writers_write_in_the_order_in_which_they_came(database: Database) -> None:
    turns = turns_of(database.engine)
    assert turns is not None
    order: list[str] = []

    def write(name: str) -> None:
        with database.connect() as connection:
            sql = Transaction(connection)
            sql.lock_alone(1)
            order.append(name)
            sql.commit()

    def write_twice() -> None:
        """Commit, and ask for the next turn at once: it must not overtake those who already wait."""
        write("first")
        write("first again")

    with database.connect() as connection:
        sql = Transaction(connection)
        sql.lock_alone(1)
        threads = [threading.Thread(target=write_twice)]
        threads += [threading.Thread(target=write, args=(f"{number}",)) for number in range(5)]
        for number, thread in enumerate(threads, 1):
            thread.start()
            until(lambda number=number: turns.waiting == number)  # type: ignore[misc]
        sql.commit()
    for thread in threads:
        thread.join(LONG_S)
    assert order == ["first", "0", "1", "2", "3", "4", "first again"]


def test_a_writer_that_fails_or_leaves_gives_its_turn_back(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.connect() as connection:
        Transaction(connection).lock_alone(1)
        raise ZeroDivisionError
    with database.connect() as connection:
        sql = Transaction(connection)
        sql.lock_alone(1)
        with pytest.raises(OperationalError):
            sql.scalar(text("SELECT x FROM none"))  # type: ignore[arg-type]
    with database.connect() as connection:
        sql = Transaction(connection)
        for _ in range(2):
            sql.lock_alone(1)
            sql.commit()
    turns = turns_of(database.engine)
    assert turns is not None
    turns.take(0)
    turns.give_back()


def test_a_writer_that_waits_too_long_says_so_and_holds_nobody_up() -> None:
    turns = WriteTurns()
    turns.take(0)
    with pytest.raises(Unavailable, match=BUSY):
        turns.take(0.01)
    assert turns.waiting == 0
    turns.give_back()
    turns.take(0)


def test_a_unit_inside_another_gets_a_connection_while_waiting_writers_hold_all(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/small.db", pool_size=3, max_overflow=0)
    migrate(database)
    turns = turns_of(database.engine)
    assert turns is not None
    written: list[bool] = []

    def write() -> None:
        with SqlUnitOfWork(database) as work:
            work.conversations.for_change("none")
            written.append(True)

    waiting = [threading.Thread(target=write) for _ in range(2)]
    began = time.monotonic()
    with SqlUnitOfWork(database) as outer:
        outer.conversations.for_change("none")
        for thread in waiting:
            thread.start()
        until(lambda: turns.waiting == 2)
        with database.connect() as inner, SqlUnitOfWork(database):
            assert inner.scalar(text("SELECT 1")) == 1
    for thread in waiting:
        thread.join(LONG_S)
    database.close()
    assert len(written) == 2 and time.monotonic() - began < POOL_TIMEOUT_S
