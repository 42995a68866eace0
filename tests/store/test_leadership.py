"""The advisory lock by which one replica does the periodic work: two processes, and what happens when one dies."""

from __future__ import annotations

import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data.database import open_database
from data.leadership import PostgresLeadership
from samples.servers.postgresql import PostgresServer

ROOT = Path(__file__).parents[2]
LONG_S = 60.0
REPLICA = """
import sys, time
from data.database import open_database
from data.leadership import PostgresLeadership
leadership = PostgresLeadership(open_database(sys.argv[1]), poll_s=0.2)
leadership.start()
led = None
while True:
    if leadership.holds() is not led:
        led = leadership.holds()
        print("leads" if led else "follows", flush=True)
    time.sleep(0.02)
"""


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    return postgres_server.new_database()


@contextmanager
def replica(url: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", REPLICA, url], cwd=ROOT, stdout=subprocess.PIPE, bufsize=0)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], LONG_S)[0], "said nothing"
    return process.stdout.readline().decode().strip()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def test_one_of_two_processes_leads_and_the_other_takes_over_after_kill_9(url: str) -> None:
    with replica(url) as one:
        assert [said(one), said(one)] == ["follows", "leads"]
        with replica(url) as two:
            assert said(two) == "follows"
            one.kill()
            assert said(two) == "leads", "the server released the lock of the process that was killed"
            with replica(url) as three:
                assert said(three) == "follows"
                two.kill()
                assert said(three) == "leads"


def test_who_closes_gives_the_lock_to_the_next_at_once(url: str) -> None:
    database = open_database(url)
    one, two = (PostgresLeadership(database, poll_s=0.05) for _ in range(2))
    one.start()
    until(one.holds)
    two.start()
    time.sleep(0.3)
    assert not two.holds()
    one.close()
    assert not one.holds()
    until(two.holds)
    two.close()
    database.close()


def test_who_loses_the_connection_leads_no_longer_and_competes_again(url: str) -> None:
    database = open_database(url)
    leadership = PostgresLeadership(database, poll_s=0.05)
    leadership.start()
    until(leadership.holds)
    with database.engine.begin() as connection:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1735159148"
        assert connection.exec_driver_sql(ended).rowcount == 1
    until(lambda: not leadership.holds())
    until(leadership.holds)
    leadership.close()
    database.close()
