"""Kill a whole portal at random moments while people ask, and count acknowledged data that is lost, or that is in one place only.

The process is `./portal run`'s, with the built-in model, and people ask over REST. What the portal confirmed to a person is recorded here,
outside the portal, and looked up at the end.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import func, select

import settings
from bench.portal_parts.askers import PEOPLE, Ledger, model_that_reads_files, one_chat, sign_in
from bench.portal_parts.portal import Measured, running_portal
from bootstrap.parts import open_index
from core.chat.records import MessageStatus
from core.search.records import DocumentKind
from data.database import Database, open_database
from data.index.documents import SOURCES
from data.tables import AttachmentTable, ConversationTable, FeedbackTable, IndexJobTable, MessageTable
from data.unit_of_work import SqlUnitOfWork
from settings import Settings

ALIVE_S = 2.5
"""Most seconds from the first answer of a life to the kill."""
START_S = 300.0
"""Most seconds for a start, which may be slow beside other work; its duration is part of the result."""
STREAMING_S = 30.0
"""Seconds after a restart for which an answer that the kill cut may still be shown as running."""
DRAIN_S = 300.0
_MESSAGE, _TALK, _RATING, _JOB, _SHOWN = (
    each.__table__.c for each in (MessageTable, ConversationTable, FeedbackTable, IndexJobTable, AttachmentTable)
)


@dataclass
class Count:
    kills: int = 0
    cut: int = 0
    """Number of kills that hit a running answer."""
    acknowledged: int = 0
    lost: int = 0
    missing: int = 0
    phantom: int = 0
    stale: int = 0
    """Answers that were shown as running more than 30 s after a restart."""
    failures: int = 0
    """Answers that were errors."""
    ready_s: list[float] = field(default_factory=list)


def kill_at_random(home: Path, kills: int, rng: random.Random, **extra: str) -> Count:
    """Run `kills` lives of one portal, each ended with SIGKILL; then one more in which the index is drained. extra: settings."""
    chosen = settings.load({"PORTAL_HOME": str(home)} | extra)
    extra |= model_that_reads_files(home)
    ledger, count = Ledger(), Count()
    tokens: list[str] = []
    restarted: list[datetime] = []
    database: Database | None = None
    for number in range(1, kills + 1):
        with running_portal(home, start_s=START_S, **extra) as portal:
            restarted.append(datetime.now(UTC))
            count.ready_s.append(portal.ready_s)
            if not tokens:
                portal.add_people(PEOPLE)
                tokens = [sign_in(portal, name) for name in PEOPLE]
            count.cut += _live(portal, tokens, ledger, rng)
        database = database or open_database(chosen.database)
        count.stale += _stale(database, restarted)
        if number % 10 == 0:
            print(f"  {number} of {kills} kills, {ledger.turns:,} turns", flush=True)
    assert database is not None
    with running_portal(home, start_s=START_S, **extra):
        restarted.append(datetime.now(UTC))
        count.stale += _settle(database, restarted)
        wait_until_drained(database)
    count.kills, count.failures = kills, len(ledger.failures)
    for failure in ledger.failures[:3]:
        print(f"  failed: {failure}")
    count.acknowledged, count.lost = _lost(database, ledger)
    count.missing, count.phantom = compare(chosen, database)
    database.close()
    return count


def compare(chosen: Settings, database: Database) -> tuple[int, int]:
    """Return the number of documents that the index lacks, and of those that only the index has."""
    missing = phantom = 0
    index = open_index(chosen, database)
    with database.connect() as connection:
        for kind in DocumentKind:
            stored, indexed = set(connection.scalars(SOURCES[kind].ids())), set(index.ids(kind))
            missing += len(stored - indexed)
            phantom += len(indexed - stored)
    index.close()
    return missing, phantom


def _live(portal: Measured, tokens: list[str], ledger: Ledger, rng: random.Random) -> bool:
    """Let people ask until the process is killed. Returns whether it was answering at that moment."""
    answering: set[str] = set()
    seeds = [rng.random() for _ in tokens]
    people = [
        threading.Thread(target=_ask_until_cut, args=(portal.url, token, ledger, answering, random.Random(seed)))
        for token, seed in zip(tokens, seeds, strict=True)
    ]
    for person in people:
        person.start()
    until = time.monotonic() + 10
    while not answering and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(rng.uniform(0, ALIVE_S))
    cut = bool(answering)
    portal.process.kill()
    portal.process.wait(10)
    for person in people:
        person.join()
    return cut


def _ask_until_cut(url: str, token: str, ledger: Ledger, answering: set[str], rng: random.Random) -> None:
    with httpx.Client(base_url=url, timeout=60, headers={"Authorization": token}) as client:
        try:
            while True:
                one_chat(client, ledger, answering, rng)
        except httpx.TransportError:
            return  # killed
        except httpx.HTTPStatusError as error:
            ledger.failures.append(f"{error.response.status_code} {error.request.url}: {error.response.text[:200]}")


def _stale(database: Database, restarted: list[datetime]) -> int:
    """Count answers that are still shown as running more than 30 s after a restart that followed their beginning."""
    past = [moment for moment in restarted if moment < datetime.now(UTC) - timedelta(seconds=STREAMING_S)]
    return _streaming(database, past[-1]) if past else 0


def _streaming(database: Database, before: datetime) -> int:
    with database.connect() as connection:
        statement = select(func.count()).where(_MESSAGE.status == MessageStatus.STREAMING, _MESSAGE.created_at < before)
        return int(connection.scalar(statement) or 0)


def _settle(database: Database, restarted: list[datetime]) -> int:
    """Wait until no answer is shown as running; return how many were shown so for too long."""
    until, stale = time.monotonic() + 2 * STREAMING_S, 0
    while time.monotonic() < until and _streaming(database, restarted[-1]):
        stale = max(stale, _stale(database, restarted))
        time.sleep(0.2)
    return stale


def wait_until_drained(database: Database) -> None:
    """Wait until the running portal has given the index everything that it accepts."""
    until = time.monotonic() + DRAIN_S
    while time.monotonic() < until:
        with database.connect() as connection:
            if not connection.scalar(select(func.count(_JOB.number))):
                return
        time.sleep(0.2)


def _lost(database: Database, ledger: Ledger) -> tuple[int, int]:
    """Return how many acknowledged records should be there, and how many of them are missing or altered; removed ones that are there count
    too."""
    with database.connect() as connection:
        talks = set(connection.scalars(select(_TALK.id)))
        said = connection.execute(select(_MESSAGE.id, _MESSAGE.conversation_id, _MESSAGE.text))
        texts = {row.id: (row.conversation_id, row.text) for row in said}
        given = connection.execute(select(_RATING.message_id, _RATING.conversation_id, _RATING.rating))
        rated = {row.message_id: (row.conversation_id, row.rating) for row in given}
        shown = {(row.message_id, row.file_id) for row in connection.execute(select(_SHOWN.message_id, _SHOWN.file_id))}
    with SqlUnitOfWork(database) as work:
        contents = {id: work.files.content(id) for id in ledger.files}
    expected = ledger.chats - ledger.perhaps_removed
    wanted = {id: saved for id, saved in ledger.texts.items() if saved[0] in expected}
    ratings = {id: saved for id, saved in ledger.ratings.items() if saved[0] in expected}
    files = {id: content for id, (chat, content) in ledger.files.items() if chat in expected}
    attached = [(question, file) for question, (chat, file) in ledger.shown.items() if chat in expected]
    lost = len(expected - talks) + sum(texts.get(id) != saved for id, saved in wanted.items())
    lost += sum(rated.get(id) != saved for id, saved in ratings.items())
    lost += sum(contents[id] != content for id, content in files.items()) + sum(each not in shown for each in attached)
    back = len(ledger.removed & talks) + sum(id in texts for id, saved in ledger.texts.items() if saved[0] in ledger.removed)
    back += sum(contents[file] != b"" for chat, file in ledger.shown.values() if chat in ledger.removed)
    acknowledged = len(expected) + len(wanted) + len(files) + len(attached) + len(ratings) + len(ledger.removed)
    return acknowledged, lost + back
