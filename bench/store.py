"""Store and search: what a kill costs, how fast documents are indexed and found. `./portal bench store [--messages N] [--kills N]`

Small by default. The full measure is --messages 1000000 --kills 300; give it an idle machine, 10 GB of disk and an hour.
PostgreSQL and Elasticsearch are measured where the tests can start them (tests/servers).
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from bench._kills import kill_at_random
from bench._portal import percentile, table
from bench._store_data import fill, words
from core.entities import SearchQuery, User
from data.backup.restore import restore
from data.backup.write import write_backup
from data.database import Database, open_database
from data.index_queue import IndexWorker
from data.migrate import migrate
from data.search.elasticsearch_index import ElasticsearchIndex
from data.search.port import Document, WritableIndex
from data.search.postgres_index import PostgresIndex
from data.search.sqlite_index import SqliteIndex
from data.unit_of_work import SqlUnitOfWork
from tests.servers.elasticsearch_node import ElasticsearchNode
from tests.servers.postgresql import PostgresServer

SEARCHES = 200
SCANS = 10
"""A scan takes long; its p95 needs no more."""
JOBS = 1000


@dataclass
class Servers:
    """None where this machine has not what it takes to start one."""

    postgres: PostgresServer | None
    elasticsearch: ElasticsearchNode | None


@contextmanager
def servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        found = Servers(None, None)
        try:
            found.postgres = PostgresServer()
            stack.callback(found.postgres.close)
            found.postgres.start()
        except pytest.skip.Exception as reason:
            print(f"Without PostgreSQL: {reason}")
        try:
            found.elasticsearch = ElasticsearchNode()
            stack.callback(found.elasticsearch.close)
            found.elasticsearch.start()
        except pytest.skip.Exception as reason:
            print(f"Without Elasticsearch: {reason}")
        yield found


def kills(found: Servers, folder: Path, count: int) -> list[list[object]]:
    places = [("SQLite, embedded index", f"sqlite:///{folder / 'kills.db'}", str(folder / "kills-search.db"), count)]
    fewer = max(1, count // 3)
    if found.postgres:
        places.append(("PostgreSQL, embedded index", found.postgres.new_database(), "postgresql", fewer))
        if found.elasticsearch:
            name = f"{found.elasticsearch.url}#kills-{time.time_ns()}"
            places.append(("PostgreSQL, Elasticsearch", found.postgres.new_database(), name, fewer))
    rows: list[list[object]] = []
    for title, url, index, times in places:
        counted = kill_at_random(url, index, times)
        rows.append([title, times, f"{counted.acknowledged:,}", counted.lost, counted.missing, counted.phantom])
    return rows


def shuffled(index: WritableIndex) -> tuple[int, int]:
    """1,000 jobs for 50 documents, delivered shuffled and twice. Returns how many documents are wrong, and deleted ones that came back."""
    name = f"s{time.time_ns()}"
    jobs = [Document("message", f"{name}-{n % 50}", n, None if n % 7 == 0 else f"{name} v{n}", name, "c") for n in range(1, JOBS + 1)]
    last = {job.id: job for job in jobs}
    delivered = jobs * 2
    random.Random(3).shuffle(delivered)
    for job in delivered:
        index.put([job])
    index.refresh()
    prints = index.fingerprints("message", f"{name}-", f"{name}-~")
    wrong = sum(prints.get(id) != document.fingerprint for id, document in last.items() if document.text is not None)
    back = sum(id in prints for id, document in last.items() if document.text is None)
    return wrong, back


def p95(calls: Sequence[Callable[[], object]]) -> str:
    times = []
    for call in calls:
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return f"{percentile(times, 0.95) * 1e3:,.0f}"


def measure(title: str, database: Database, index: WritableIndex, people: Sequence[User]) -> list[object]:
    """Fill the index from the store, then search it as its people would."""
    worker = IndexWorker(database, index)
    started = time.perf_counter()
    assert worker.drain(4 * 3600), "the index did not take everything"
    seconds = time.perf_counter() - started
    documents = sum(1 for kind in ("conversation", "message") for _ in index.ids(kind))
    rng = random.Random(11)
    queries = [SearchQuery(" ".join(words(rng)), "message", rng.choice(people).id) for _ in range(SEARCHES)]
    best = p95([partial(index.search, query) for query in queries])
    newest = p95([partial(index.page, query) for query in queries])
    scan = p95([partial(like_scan, database, query) for query in queries[:SCANS]])
    wrong, back = shuffled(index)
    return [title, f"{documents / seconds:,.0f}", best, newest, scan, wrong, back]


def like_scan(database: Database, query: SearchQuery) -> None:
    """Search as it is done without an index: the person's messages, newest first, that contain every word."""
    found = query.text.split()
    where = " AND ".join(f"lower(m.text) LIKE :word{n}" for n in range(len(found)))
    statement = (
        "SELECT m.id FROM messages m JOIN conversations c ON c.id = m.conversation_id "
        f"WHERE c.user_id = :owner AND {where} ORDER BY m.created_at DESC LIMIT 50"
    )
    with database.connect() as connection:
        connection.execute(text(statement), {"owner": query.owner_id} | {f"word{n}": f"%{word}%" for n, word in enumerate(found)}).all()


def reading(database: Database, people: Sequence[User]) -> tuple[str, str]:
    """p95 of listing 100 conversations, and of reading one of 20 messages."""

    def listed(person: User) -> None:
        with SqlUnitOfWork(database) as work:
            work.conversations.of_user(person.id, 100)

    def opened(id: str) -> None:
        with SqlUnitOfWork(database) as work:
            work.messages.of_conversation(id)

    rng = random.Random(5)
    with SqlUnitOfWork(database) as work:
        talks = [each.id for person in people for each in work.conversations.of_user(person.id, 100)]
    lists = p95([partial(listed, rng.choice(people)) for _ in range(SEARCHES)])
    return lists, p95([partial(opened, rng.choice(talks)) for _ in range(SEARCHES)])


def backup(title: str, database: Database, target: Database, folder: Path) -> list[object]:
    path = folder / f"{time.time_ns()}.backup"
    started = time.perf_counter()
    written = write_backup(database, path, "a passphrase for a measurement")
    wrote = time.perf_counter() - started
    started = time.perf_counter()
    with path.open("rb") as file:
        restore(target, file, "a passphrase for a measurement")  # refuses rows whose hashes differ
    restored = time.perf_counter() - started
    size = path.stat().st_size / 1e6
    path.unlink()
    return [title, f"{sum(written.rows.values()):,}", f"{size:,.0f}", f"{wrote:,.0f}", f"{restored:,.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="./portal bench store")
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--kills", type=int, default=12)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name, servers() as found:
        folder = Path(name)
        if asked.kills:
            head = ["kill -9 while writing", "kills", "acknowledged", "lost", "missing", "phantoms"]
            table("After draining, store against index", head, kills(found, folder, asked.kills))
        stores = {"SQLite": f"sqlite:///{folder / 'portal.db'}"}
        if found.postgres:
            stores["PostgreSQL"] = found.postgres.new_database()
        searches: list[list[object]] = []
        reads: list[list[object]] = []
        backups: list[list[object]] = []
        for title, url in stores.items():
            database = open_database(url)
            migrate(database)
            people = fill(database, asked.messages, random.Random(7))
            indexes: dict[str, WritableIndex] = {}
            if title == "SQLite":
                indexes["SQLite FTS5"] = SqliteIndex(folder / "search.db")
            else:
                indexes["PostgreSQL full text"] = PostgresIndex(database)
                if found.elasticsearch:
                    indexes["Elasticsearch"] = ElasticsearchIndex(found.elasticsearch.url, prefix=f"bench-{time.time_ns()}")
            for engine, index in indexes.items():
                searches.append(measure(engine, database, index, people))
                index.close()
            reads.append([title, *reading(database, people)])
            other = found.postgres.new_database() if title == "PostgreSQL" and found.postgres else f"sqlite:///{folder / 'restored.db'}"
            target = open_database(other)
            backups.append(backup(title, database, target, folder))
            target.close()
            database.close()
    head = ["index", "documents/s", "best first", "newest first", "LIKE scan", "wrong after shuffle", "came back"]
    table(f"{asked.messages:,} messages, 20,000 a person; p95 of a search, ms", head, searches)
    table("p95, ms", ["store", "100 conversations listed", "20 messages opened"], reads)
    table("Encrypted backup, s", ["store", "rows", "MB", "written and verified", "restored and verified"], backups)


if __name__ == "__main__":
    main()
