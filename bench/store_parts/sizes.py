"""Measure a store at its full size: how fast it is indexed, searched and read, and the cost of a backup."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy import select, text

from bench.portal_parts.portal import percentile
from bench.store_parts.store_data import fill, folder_of, words
from core.chat.records import Author
from core.knowledge.records import StoredFile
from core.search.records import DocumentKind, SearchQuery
from data.backup.restore import restore
from data.backup.write import write_backup
from data.database import Database
from data.index.worker import IndexWorker
from data.search.port import WritableIndex
from data.tables import ConversationTable, MessageTable, UserTable
from data.unit_of_work import SqlUnitOfWork

SEARCHES = 200
SCANS = 10
"""Number of scans. A scan takes long; its p95 needs no more."""
STEP = 50_000
LARGE_FILE_PER = 10_000
"""Number of messages per large file."""
LARGE_FILE_BYTES = 1_000_000
PASSPHRASE = "a passphrase for a measurement"
_MESSAGE, _TALK = MessageTable.__table__.c, ConversationTable.__table__.c


def searched(title: str, wanted_ms: int, database: Database, index: WritableIndex, messages: int) -> Iterator[list[str]]:
    """Fill database and index, then search as its people would, and as a portal without an index does."""
    people = filled(database, messages)
    worker = IndexWorker(database, index)
    started, documents, reported = time.perf_counter(), 0, STEP
    while (taken := worker.step()) or index.is_building():
        documents += taken
        if documents >= reported:
            print(f"  {documents:,} documents in {time.perf_counter() - started:.0f} s", flush=True)
            reported += STEP
    index.refresh()
    seconds = time.perf_counter() - started
    at = f"{messages:,} messages"
    yield [f"{title}: documents indexed a second, {at}", f"{documents / seconds:,.0f}", "", "", "", ">= 3,000"]
    settled(database)
    warm, queries = (_queries(random.Random(seed), people) for seed in (10, 11))
    for query in warm:
        index.page(query)
    scan = p95([partial(like_scan, database, query) for query in queries[:SCANS]])
    for order, find in (("newest first", index.page), ("best first", index.search)):
        found = p95([partial(find, query) for query in queries])
        what = f"{title}: search p95, ms, {order}, {at}"
        yield [what, f"{found:,.0f}", "LIKE scan", f"{scan:,.0f}", f"{found / scan:.3f}", f"<= {wanted_ms}"]
    in_folder = [replace(query, folder_id=folder_of(query.owner_id or "")) for query in queries]
    for what, narrowed in (("in a folder", in_folder), ("with files", [replace(query, has_file=True) for query in queries])):
        found = p95([partial(index.page, query) for query in narrowed])
        yield [f"{title}: search p95, ms, {what}, {at}", f"{found:,.0f}", "", "", "", f"<= {wanted_ms}"]
    index.close()


def _queries(rng: random.Random, people: Sequence[str]) -> list[SearchQuery]:
    return [SearchQuery(text=" ".join(words(rng)), kind=DocumentKind.MESSAGE, owner_id=rng.choice(people)) for _ in range(SEARCHES)]


def filled(database: Database, messages: int) -> list[str]:
    started = time.perf_counter()
    people = fill(database, messages, random.Random(7))
    print(f"  {messages:,} messages made in {time.perf_counter() - started:.0f} s", flush=True)
    settled(database)
    return people


def settled(database: Database) -> None:
    """Do the work that the server's autovacuum does within a minute of a large change."""
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("VACUUM ANALYZE"))


def read(title: str, database: Database) -> Iterator[list[str]]:
    """List 100 conversations, and open one of 20 messages."""

    def listed(person: str) -> None:
        with SqlUnitOfWork(database) as work:
            work.conversations.of_user(person, 100)

    def opened(id: str) -> None:
        with SqlUnitOfWork(database) as work:
            work.messages.of_conversation(id)

    rng = random.Random(5)
    with database.connect() as connection:
        people = list(connection.scalars(select(UserTable.id)))
    with SqlUnitOfWork(database) as work:
        talks = [each.id for person in people for each in work.conversations.of_user(person, 100)]
    lists = p95([partial(listed, rng.choice(people)) for _ in range(SEARCHES)])
    yield [f"{title}: 100 conversations listed, p95, ms", f"{lists:.1f}", "", "", "", "<= 30"]
    opens = p95([partial(opened, rng.choice(talks)) for _ in range(SEARCHES)])
    yield [f"{title}: 20 messages opened, p95, ms", f"{opens:.1f}", "", "", "", "<= 30"]


def saved(title: str, database: Database, target: Database, folder: Path, messages: int) -> Iterator[list[str]]:
    """Measure a backup of the full database, and its restore into `target`."""
    filled(database, messages)
    large = add_large_files(database, messages, random.Random(8))
    path = folder / "store.backup"
    started = time.perf_counter()
    written = write_backup(database, path, PASSPHRASE)
    wrote = time.perf_counter() - started
    size = path.stat().st_size / 1e6
    amount = f"{messages:,} messages and {large:,} files of 1 MB saved, encrypted ({size:,.0f} MB)"
    yield [f"{title}: {amount} and read again, s", f"{wrote:,.0f}", "", "", "", "<= 900"]
    started = time.perf_counter()
    with path.open("rb") as file:
        found = restore(target, file, PASSPHRASE)  # refuses rows whose hashes differ
    yield [f"{title}: restored and compared, s", f"{time.perf_counter() - started:,.0f}", "", "", "", "<= 900"]
    rows = sum(written.rows.values())
    equal = sum(count for name, count in found.rows.items() if written.rows.get(name) == count)
    yield [f"{title}: rows with equal hashes, of {rows:,}", f"{equal / rows:.0%}", "", "", "", "100%"]


def add_large_files(database: Database, messages: int, rng: random.Random) -> int:
    """Add one table of 1 MB, with many parts, for every 10,000 messages; return how many."""
    count = -(-messages // LARGE_FILE_PER)
    with database.connect() as connection:
        asked = connection.execute(select(_MESSAGE.id, _MESSAGE.conversation_id, _TALK.user_id, _MESSAGE.created_at)
                                   .join(ConversationTable, _TALK.id == _MESSAGE.conversation_id)
                                   .where(_MESSAGE.author == Author.USER).order_by(_MESSAGE.id).limit(count)).all()  # fmt: skip
    for message_id, talk_id, owner_id, at in asked:
        content = "\n".join(f"{rng.randrange(10**6)};{rng.random()}" for _ in range(40_000)).encode()[:LARGE_FILE_BYTES]
        file = StoredFile(
            id=f"{rng.getrandbits(128):032x}", user_id=owner_id, name="figures of the year.csv", size_bytes=len(content), created_at=at
        )
        with SqlUnitOfWork(database) as work:
            work.files.add(file, content)
            work.files.attach(message_id, talk_id, [file.id])
            work.commit()
    return count


def like_scan(database: Database, query: SearchQuery) -> None:
    """Search as Open WebUI does it: the person's messages, newest first, that contain every word."""
    found = query.text.split()
    where = " AND ".join(f"lower(m.text) LIKE :word{n}" for n in range(len(found)))
    statement = (
        "SELECT m.id FROM messages m JOIN conversations c ON c.id = m.conversation_id "
        f"WHERE c.user_id = :owner AND {where} ORDER BY m.created_at DESC LIMIT 50"
    )
    with database.connect() as connection:
        connection.execute(text(statement), {"owner": query.owner_id} | {f"word{n}": f"%{word}%" for n, word in enumerate(found)}).all()


def p95(calls: Sequence[Callable[[], object]]) -> float:
    """Return the 95th percentile of the calls in milliseconds."""
    times = []
    for call in calls:
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return percentile(times, 0.95) * 1e3
