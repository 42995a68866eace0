"""Fill a store with generated chats in two languages, written in bulk."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from bench.rest.lists import CHINESE, ENGLISH
from core.chat.records import Author, MessageStatus
from core.people.records import Role, User
from data.database import Database
from data.tables import AttachmentTable, ConversationTable, FilePartTable, FileTable, FolderTable, MessageTable
from data.transaction import Transaction
from data.unit_of_work import SqlUnitOfWork

PER_PERSON = 20_000
PER_CONVERSATION = 20
AT_ONCE = 250
"""Conversations per transaction."""
START = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = 300 * 86_400
IN_THE_FOLDER = 50
"""One in this many conversations is in its owner's only folder."""
WITH_A_FILE = 50
"""One in this many questions has a file."""


def fill(database: Database, messages: int, rng: random.Random) -> list[str]:
    """Store the chats; return the ids of their owners, one for each 20,000 messages. A worker queues everything for an empty index."""
    people = [_id(rng) for _ in range(max(1, messages // PER_PERSON))]
    with SqlUnitOfWork(database) as work:
        for number, id in enumerate(people):
            work.users.add(
                User(
                    id=id,
                    name=f"person{number}",
                    full_name=f"Person {number}",
                    role=Role.ANALYST,
                    group="bench",
                    active=True,
                    created_at=START,
                ),
                "hash",
            )
        work.commit()
    with database.connect() as connection:
        sql = Transaction(connection)
        folders = [{"id": folder_of(id), "user_id": id, "name": "Audit of the year", "created_at": START} for id in people]
        sql.write(insert(FolderTable), folders)
        sql.commit()
    english = [word + (str(rng.randrange(5000)) if rng.random() < 0.3 else "") for word in rng.choices(ENGLISH, k=200_000)]
    left = messages
    while left > 0:
        talks: list[dict[str, object]] = []
        rows: list[dict[str, object]] = []
        while left > 0 and len(talks) < AT_ONCE:
            talk, said = _conversation(rng, rng.choice(people), min(PER_CONVERSATION, left), english)
            talks.append(talk)
            rows += said
            left -= len(said)
        with database.connect() as connection:
            sql = Transaction(connection)
            sql.write(insert(ConversationTable), talks)
            sql.write(insert(MessageTable), rows)
            _attach(sql, {str(talk["id"]): str(talk["user_id"]) for talk in talks}, rows)
            sql.commit()
    return people


def folder_of(person: str) -> str:
    """Return the id of the person's folder."""
    return person[::-1]


def _attach(sql: Transaction, owners: Mapping[str, str], rows: Sequence[Mapping[str, object]]) -> None:
    """Attach a small file to some questions."""
    asked = [row for row in rows if row["author"] is Author.USER and int(str(row["id"]), 16) % WITH_A_FILE == 0]
    if asked:
        files = [
            {
                "id": row["id"], "user_id": owners[str(row["conversation_id"])], "conversation_id": row["conversation_id"],
                "name": "figures of the quarter.csv", "size_bytes": 8, "created_at": row["created_at"],
            }
            for row in asked
        ]  # fmt: skip
        sql.write(insert(FileTable), files)
        sql.write(insert(FilePartTable), [{"file_id": row["id"], "extracted": False, "content": b"a;b\n1;2\n"} for row in asked])
        sql.write(insert(AttachmentTable), [{"message_id": row["id"], "file_id": row["id"], "place": 0} for row in asked])


def _conversation(
    rng: random.Random, owner_id: str, messages: int, english: list[str]
) -> tuple[dict[str, object], list[dict[str, object]]]:
    at = START + timedelta(seconds=rng.randrange(SECONDS))
    id, ids = _id(rng), [_id(rng) for _ in range(messages)]
    rows: list[dict[str, object]] = [
        {
            "id": each, "conversation_id": id, "parent_id": ids[position - 1] if position else None,
            "author": Author.ASSISTANT if position % 2 else Author.USER, "text": _sentence(rng, english), "reasoning": "",
            "status": MessageStatus.DONE, "created_at": at + timedelta(seconds=position), "error": None,
        }
        for position, each in enumerate(ids)
    ]  # fmt: skip
    title = _sentence(rng, english)[:50]
    folder_id = None if int(id, 16) % IN_THE_FOLDER else folder_of(owner_id)
    talk = {"id": id, "user_id": owner_id, "title": title, "created_at": at, "updated_at": at, "head_id": ids[-1], "folder_id": folder_id}
    return talk, rows


def _sentence(rng: random.Random, english: list[str]) -> str:
    return "".join(rng.choices(CHINESE, k=30)) if rng.random() < 0.4 else " ".join(rng.choices(english, k=40))


def _id(rng: random.Random) -> str:
    return f"{rng.getrandbits(128):032x}"


def words(rng: random.Random) -> list[str]:
    """Return words that a person searches for: a rare word, two frequent ones, or Chinese."""
    return rng.choice(
        [
            [f"{rng.choice(ENGLISH)}{rng.randrange(5000)}"],
            rng.sample(ENGLISH, 2),
            [rng.choice(CHINESE)],
            rng.sample(CHINESE, 2),
        ]
    )
