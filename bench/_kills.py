"""A store that is killed at random moments while it is written, counted: what was acknowledged and is lost, what is in one place only."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from dataclasses import dataclass

from bench._portal import ROOT
from data.database import open_database
from data.documents import SOURCES
from data.index_queue import IndexWorker
from data.migrate import migrate
from data.search.port import KINDS
from data.unit_of_work import SqlUnitOfWork
from tests.functional.crash_child import open_index

SECONDS = (0.02, 0.6)


@dataclass(frozen=True)
class Count:
    acknowledged: int
    lost: int
    missing: int
    phantom: int


def kill_at_random(url: str, index_name: str, kills: int) -> Count:
    """`kills` processes one after the other write, and each is ended with SIGKILL; then the index is drained."""
    database = open_database(url)
    migrate(database)
    messages: dict[str, str] = {}
    gone: set[str] = set()
    for _ in range(kills):
        for what, talk, message in _one_life(url, index_name):
            if what in ("added", "finished"):
                messages[message] = talk
            else:
                gone.add(talk)
    with SqlUnitOfWork(database) as work:
        kept = [message for message, talk in messages.items() if talk not in gone]
        lost = sum(work.messages.get(message) is None for message in kept)
    index = open_index(index_name, database)
    assert IndexWorker(database, index).drain(600), "the index did not take everything"
    missing = phantom = 0
    with database.connect() as connection:
        for kind in KINDS:
            stored, indexed = set(connection.scalars(SOURCES[kind].ids())), set(index.ids(kind))
            missing += len(stored - indexed)
            phantom += len(indexed - stored)
    index.close()
    database.close()
    return Count(len(kept), lost, missing, phantom)


def _one_life(url: str, index_name: str) -> list[tuple[str, str, str]]:
    command = [sys.executable, "-m", "tests.functional.crash_child", url, index_name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        timer = threading.Timer(random.uniform(*SECONDS), child.kill)
        timer.start()
        lines += child.stdout.readlines()
        timer.cancel()
    # The last line may have been cut by the kill.
    return [(found[0], found[1], found[2]) for line in lines if line.endswith("\n") and len(found := line.split()) == 3]
