"""A store full of generated chats in two languages, written in bulk."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import insert

from bench.lists import CHINESE, ENGLISH, sentence
from core.entities import Author, MessageStatus, User
from core.permissions import Role
from data.database import Database
from data.tables import ConversationTable, MessageTable
from data.transaction import Transaction
from data.unit_of_work import SqlUnitOfWork

PER_PERSON = 20_000
PER_CONVERSATION = 20
START = datetime(2026, 1, 1, tzinfo=UTC)


def fill(database: Database, messages: int, rng: random.Random) -> list[User]:
    """Returns the people who own them, one for each 20,000 messages."""
    people = [
        User(uuid4().hex, f"person{n}", f"Person {n}", Role.ANALYST, "bench", True, START) for n in range(max(1, messages // PER_PERSON))
    ]
    with SqlUnitOfWork(database) as work:
        for person in people:
            work.users.add(person, "hash")
        work.commit()
    left = messages
    while left > 0:
        with database.connect() as connection:
            sql = Transaction(connection)
            talks, rows = [], []
            for _ in range(250):
                talk, said = _conversation(rng, rng.choice(people), min(PER_CONVERSATION, left))
                talks.append(talk)
                rows += said
                left -= len(said)
                if left <= 0:
                    break
            sql.write(insert(ConversationTable), talks)
            sql.write(insert(MessageTable), rows)
            sql.commit()
    return people


def _conversation(rng: random.Random, owner: User, messages: int) -> tuple[dict[str, object], list[dict[str, object]]]:
    at = START + timedelta(seconds=rng.randrange(300 * 86_400))
    rows: list[dict[str, object]] = []
    for place in range(messages):
        rows.append(
            {
                "id": uuid4().hex, "conversation_id": "", "parent_id": rows[-1]["id"] if rows else None,
                "author": Author.USER if place % 2 == 0 else Author.ASSISTANT, "text": sentence(rng), "reasoning": "",
                "status": MessageStatus.DONE, "created_at": at + timedelta(seconds=place), "error": None,
            }
        )  # fmt: skip
    title, head = sentence(rng)[:50], rows[-1]["id"]
    talk = {"id": uuid4().hex, "user_id": owner.id, "title": title, "created_at": at, "updated_at": at, "head_id": head}
    return talk, [row | {"conversation_id": talk["id"]} for row in rows]


def words(rng: random.Random) -> list[str]:
    """What a person looks for: a rare word, two frequent ones, or Chinese."""
    return rng.choice(
        [
            [f"{rng.choice(ENGLISH)}{rng.randrange(5000)}"],
            rng.sample(ENGLISH, 2),
            [rng.choice(CHINESE)],
            rng.sample(CHINESE, 2),
        ]
    )
