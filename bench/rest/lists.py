"""Measure large lists, long chats and search, over REST. `./portal bench lists`

Measures 2,000 conversations in a list, one chat of 500 messages, and search over 20,000 and 200,000 messages of one person in two
languages. The index is compared with what a portal without one does: LIKE over the same rows, in the same run.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from bench.portal_parts.portal import PASSWORD, percentile, running_portal, table
from core.chat.records import Author, Conversation, Message, MessageStatus
from core.people.accounts import Accounts
from core.people.records import Role, User
from data.database import Database, open_database
from data.index.worker import IndexWorker
from data.migrate import migrate
from data.passwords import Argon2Hasher
from data.search.sqlite.index import SqliteIndex
from data.unit_of_work import SqlUnitOfWork

SIZES = (20_000, 200_000)
CONVERSATIONS = 2_000
LONG = 500
REPEATS = 40
ENGLISH = (
    "exposure", "rate", "clause", "contract", "report", "table", "quarter", "model", "answer", "memory", "queue", "token",
    "session", "review", "audit", "budget", "risk", "ledger",
)  # fmt: skip
CHINESE = ("季度", "经营", "分析", "汇率", "合同", "条款", "模型", "回答", "预算", "风险", "审计", "报告", "内存", "会话")


def sentence(rng: random.Random) -> str:
    if rng.random() < 0.4:
        return "".join(rng.choice(CHINESE) for _ in range(30))
    return " ".join(rng.choice(ENGLISH) + (str(rng.randrange(5000)) if rng.random() < 0.3 else "") for _ in range(40))


def fill(database: Database, user: User, messages: int, rng: random.Random) -> str:
    """Store a long conversation and 2,000 others that share the remaining messages; return the long one's id."""
    start = datetime.now(UTC) - timedelta(days=300)
    left, long_id = messages, ""
    for number in range(CONVERSATIONS):
        count = LONG if number == 0 else max(2, (messages - LONG) // (CONVERSATIONS - 1))
        count = min(count, max(2, left))
        left -= count
        with SqlUnitOfWork(database) as work:
            at = start + timedelta(minutes=number)
            chat = Conversation(id=uuid4().hex, user_id=user.id, title=sentence(rng)[:50], created_at=at, updated_at=at)
            work.conversations.add(chat)
            parent: str | None = None
            for position in range(count):
                author = Author.USER if position % 2 == 0 else Author.ASSISTANT
                message = Message(
                    id=uuid4().hex,
                    conversation_id=chat.id,
                    parent_id=parent,
                    author=author,
                    text=sentence(rng),
                    status=MessageStatus.DONE,
                    created_at=at + timedelta(seconds=position),
                )
                work.messages.add(message)
                parent = message.id
            work.conversations.save(
                Conversation(id=chat.id, user_id=user.id, title=chat.title, created_at=at, updated_at=at, head_id=parent)
            )
            work.commit()
        long_id = long_id or chat.id
    return long_id


def timed(call: Callable[[], object]) -> str:
    call()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return f"{percentile(times, 0.95) * 1e3:.0f}"


def like_scan(path: Path, words: list[str]) -> None:
    """Search without an index."""
    connection = sqlite3.connect(path)
    where = " AND ".join("text LIKE ?" for _ in words)
    connection.execute(f"SELECT id FROM messages WHERE {where} LIMIT 50", [f"%{word}%" for word in words]).fetchall()
    connection.close()


def measure(size: int) -> list[list[object]]:
    """Measure a store of `size` messages; return the rows of the table."""
    rng = random.Random(7)
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        home = Path(folder)
        database = open_database(f"sqlite:///{home}/portal.db")
        migrate(database)
        user = Accounts(lambda: SqlUnitOfWork(database), Argon2Hasher(1, 8), lambda: datetime.now(UTC)).add(
            None, "admin", Role.ADMIN, password=PASSWORD
        )
        long_id = fill(database, user, size, rng)
        index = SqliteIndex(home / "search.db")
        started = time.perf_counter()
        IndexWorker(database, index).drain(3600)
        indexed = time.perf_counter() - started
        index.close()
        database.close()
        with running_portal(home) as portal:
            client = portal.sign_in()

            def get(path: str, **query: str | int) -> None:
                client.get(path, params=query).raise_for_status()

            rows: list[list[object]] = [
                [f"{size:,}", f"{CONVERSATIONS:,} conversations listed", timed(lambda: get("/api/v1/conversations", limit=500)), ""],
                ["", f"{LONG} messages opened", timed(lambda: get(f"/api/v1/conversations/{long_id}/messages")), ""],
            ]
            searches = {"a rare word": [f"report{rng.randrange(5000)}"], "two words": ["ledger", "audit"], "汇率 审计": ["汇率", "审计"]}
            for name, words in searches.items():
                searched = timed(lambda words=words: get("/api/v1/conversations", q=" ".join(words)))  # type: ignore[misc]
                scanned = timed(lambda words=words: like_scan(home / "portal.db", words))  # type: ignore[misc]
                rows.append(["", f"search: {name}", searched, scanned])
            rows.append(["", f"indexed, messages/s ({indexed:.0f} s)", f"{size / indexed:,.0f}", ""])
            return rows


def main() -> None:
    sizes = [int(each) for each in sys.argv[1:]] or list(SIZES)
    rows = [row for size in sizes for row in measure(size)]
    table("p95 over REST, ms", ["messages", "", "portal", "LIKE scan"], rows)


if __name__ == "__main__":
    main()
