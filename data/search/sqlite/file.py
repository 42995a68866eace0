"""Manage one file of the embedded search index: its tables, writes, and connections for many threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, TypeVar

from data.connections.wal import use_wal
from data.search.port import Document, moment
from data.search.tokens import scope
from data.search.words import spread

BUSY_TIMEOUT_S = 10
FIND_AT_ONCE = 500
"""Ids in one statement; SQLite takes 32,766 parameters, older builds 999."""
CACHE_KIB = 32_000
"""Most memory that a connection uses for the file."""
SLOT_BITS = 20
LAST_SECOND = 2**33 - 1
"""The last second that a document's number can hold, in the year 2242."""

# A document's number combines the second of its time and a slot: FTS5 walks its matches by number, so that the newest come first without
# looking at the others. Filters are terms of `scope`, for the same reason. The words are in a contentless table, because `documents`
# already has the text. To delete a document, FTS5 needs exactly the words that it was given, which `spread` makes again from the stored
# text.
_TABLES = """
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    owner TEXT NOT NULL, conversation TEXT NOT NULL, at TEXT, model TEXT NOT NULL, rating INTEGER, folder TEXT NOT NULL,
    has_file INTEGER NOT NULL, print TEXT NOT NULL, text TEXT,
    UNIQUE (kind, id)
);
CREATE VIRTUAL TABLE words USING fts5 (scope, body, content = '', tokenize = 'porter unicode61 remove_diacritics 2');
"""
_FIND = "SELECT id, number, version, text, owner, folder, has_file, model, rating FROM documents WHERE kind = ? AND id IN ({placeholders})"
_PUT = """
INSERT OR REPLACE INTO documents (number, kind, id, version, owner, conversation, at, model, rating, folder, has_file, print, text)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_TAKEN = "SELECT number FROM documents WHERE number IN ({placeholders})"
_FORGET = "INSERT INTO words (words, rowid, scope, body) VALUES ('delete', ?, ?, ?)"
_ADD = "INSERT INTO words (rowid, scope, body) VALUES (?, ?, ?)"


T = TypeVar("T")


class SqliteFile:
    """Manages one file. Thread-safe: each use borrows a connection. sqlite3's errors pass unchanged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._removed = False

    def schema(self) -> int:
        """Return the version of its tables; 0 if it has none yet. Creates an empty file if there is none."""
        with self.connection() as sql:
            return int(sql.execute("PRAGMA user_version").fetchone()[0])

    def is_complete(self) -> bool:
        """Tell whether the index is complete. SQLite keeps a number for applications in each file; here 1 means complete."""
        with self.connection() as sql:
            return int(sql.execute("PRAGMA application_id").fetchone()[0]) == 1

    def make_tables(self, schema: int) -> None:
        with self.connection() as sql:
            sql.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {schema}; COMMIT;")

    def complete(self) -> None:
        with self.connection() as sql:
            sql.execute("PRAGMA application_id = 1")

    def put(self, documents: Sequence[Document]) -> None:
        with self.connection() as sql:
            sql.execute("BEGIN IMMEDIATE")
            try:
                _put(sql, documents)
                sql.execute("COMMIT")
            except BaseException:
                if sql.in_transaction:
                    sql.execute("ROLLBACK")
                raise

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        with self.using(self.take_connection()) as connection:
            yield connection

    def take_connection(self) -> sqlite3.Connection:
        """Return a connection that no other thread uses, for `using`."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._open()

    @contextmanager
    def using(self, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        """Yield the connection, and put it back afterwards. A connection that failed is closed instead."""
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        if self._removed:
            self.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def remove(self) -> None:
        """Delete the file. Threads that are reading it finish first."""
        self._removed = True
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        self.path.touch(mode=0o600)
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        use_wal(connection, BUSY_TIMEOUT_S)
        # FULL: a put is on disk before its job is deleted from the database, even after a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        # A batch changes many pages; they are written once, and rarely moved from the log to the file.
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("PRAGMA wal_autocheckpoint = 8000")
        return connection


def second_of(at: datetime | None) -> int:
    """Return the upper part of a document's number."""
    return min(max(0, int(at.timestamp())), LAST_SECOND) if at else 0


def in_parts(numbers: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split into parts that each fit into one statement."""
    return (numbers[start : start + FIND_AT_ONCE] for start in range(0, len(numbers), FIND_AT_ONCE))


class _Known(NamedTuple):
    number: int
    version: int
    text: str | None
    scope: str


def _put(sql: sqlite3.Connection, documents: Sequence[Document]) -> None:
    known = _known(sql, documents)
    newer = [each for each in documents if (old := known.get((each.kind, each.id))) is None or old.version <= each.version]
    numbers = _numbers(sql, newer, known)
    forgotten, rows, added = [], [], []
    for document in newer:
        old, here = known.get((document.kind, document.id)), numbers[document.kind, document.id]
        if old is not None and old.text is not None:
            forgotten.append((old.number, old.scope, spread(old.text)))
        rows.append(
            (
                here, document.kind, document.id, document.version, document.owner_id, document.conversation_id, moment(document.at),
                document.model, document.rating, document.folder_id, document.has_file, document.fingerprint, document.text,
            )
        )  # fmt: skip
        if document.text is not None:
            filters = document.folder_id, document.has_file, document.model, document.rating
            added.append((here, scope(document.kind, document.owner_id, *filters), spread(document.text)))
    # Write in the order of their numbers: whenever a lower number follows, FTS5 flushes its buffer.
    sql.executemany(_FORGET, sorted(forgotten))
    sql.executemany(_PUT, sorted(rows))
    sql.executemany(_ADD, sorted(added))


def _numbers(
    sql: sqlite3.Connection, documents: Sequence[Document], known: Mapping[tuple[str, str], _Known]
) -> Mapping[tuple[str, str], int]:
    """Return (kind, id) -> the document's number: its current one, unless its time has changed, or a free one of its second."""
    found: dict[tuple[str, str], int] = {}
    wanted: dict[tuple[str, str], int] = {}
    for document in documents:
        key, second = (document.kind, document.id), second_of(document.at)
        old = known.get(key)
        if old is not None and (document.text is None or old.number >> SLOT_BITS == second):
            found[key] = old.number
        else:
            digest = blake2b(f"{document.kind} {document.id}".encode(), digest_size=4).digest()
            wanted[key] = second << SLOT_BITS | int.from_bytes(digest, "big") % 2**SLOT_BITS
    taken = _taken(sql, list(wanted.values()))
    for key, first in wanted.items():
        number = first
        while number in taken:
            number += 1
            taken |= _taken(sql, [number])
        found[key] = number
        taken.add(number)
    return found


def _taken(sql: sqlite3.Connection, numbers: Sequence[int]) -> set[int]:
    return {row[0] for part in in_parts(numbers) for row in sql.execute(_TAKEN.format(placeholders=placeholders(part)), part)}


def _known(sql: sqlite3.Connection, documents: Sequence[Document]) -> Mapping[tuple[str, str], _Known]:
    by_kind: dict[str, list[str]] = {}
    for document in documents:
        by_kind.setdefault(document.kind, []).append(document.id)
    found: dict[tuple[str, str], _Known] = {}
    for kind, ids in by_kind.items():
        for part in in_parts(ids):
            for id, number, version, text, *scoped in sql.execute(_FIND.format(placeholders=placeholders(part)), (kind, *part)):
                found[kind, id] = _Known(number, version, text, scope(kind, *scoped))
    return found


def placeholders(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
