"""Change a store continuously until the process is killed: python -m tests.store.crash_child DATABASE INDEX

It prints a line before a deletion and after each commit, so that the test knows what was acknowledged.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from core.chat.records import MessageStatus
from data.database import Database, open_database
from data.index.worker import IndexWorker
from data.search.elasticsearch.index import ElasticsearchIndex
from data.search.port import WritableIndex
from data.search.postgresql.index import PostgresIndex
from data.search.sqlite.index import SqliteIndex
from data.unit_of_work import SqlUnitOfWork
from tests.store import things


def open_index(name: str, database: Database) -> WritableIndex:
    """Open the index that the text names: a file, "postgresql" for the database itself, or an address and the prefix of its indices: http://host:port#prefix"""
    if name == "postgresql":
        return PostgresIndex(database)
    if name.startswith("http"):
        url, prefix = name.split("#")
        return ElasticsearchIndex(url, prefix=prefix)
    return SqliteIndex(Path(name))


def main(url: str, index_name: str) -> None:
    database = open_database(url)
    index = open_index(index_name, database)
    worker = IndexWorker(database, index)
    worker.start()
    owner = things.user(things.new_id())
    with SqlUnitOfWork(database) as work:
        work.users.add(owner, "hash")
        work.commit()
    talks: list[str] = []
    while True:
        talk = things.conversation(owner, "机器学习 and bonds")
        asked = things.question(talk)
        answered = things.answer(asked)
        with SqlUnitOfWork(database) as work:
            work.conversations.add(talk)
            work.messages.add(asked)
            work.messages.add(answered)
            work.turns.add(things.turn(owner, asked, answered))
            work.commit()
        print("added", talk.id, asked.id, flush=True)
        with SqlUnitOfWork(database) as work:
            work.messages.finish(answered.id, MessageStatus.DONE, f"answer {answered.id}", "")
            work.generations.add(things.generation(owner, answered))
            work.feedback.put(things.feedback(owner, answered))
            work.commit()
        print("finished", talk.id, answered.id, flush=True)
        talks.append(talk.id)
        if random.random() < 0.3:
            gone = talks.pop(random.randrange(len(talks)))
            print("removing", gone, "-", flush=True)
            with SqlUnitOfWork(database) as work:
                work.conversations.remove(gone)
                work.commit()
            print("removed", gone, "-", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
