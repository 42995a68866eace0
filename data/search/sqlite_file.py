"""One file of the embedded search index: its tables, what is put into it, and connections for many threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from data.search.port import Document, moment
from data.search.words import spread

BUSY_TIMEOUT_S = 10
FIND_AT_ONCE = 500
"""Ids in one statement; SQLite takes 32,766 parameters, older builds 999."""

# The words lie in a contentless table: `documents` has the text already. To forget a document, FTS5 must be given the very
# words it was given before, which `spread` makes again from the stored text.
_TABLES = """
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    owner TEXT NOT NULL, conversation TEXT NOT NULL, at TEXT, model TEXT NOT NULL, rating INTEGER, print TEXT NOT NULL, text TEXT,
    UNIQUE (kind, id)
);
CREATE VIRTUAL TABLE words USING fts5 (scope, body, content = '', tokenize = 'porter unicode61 remove_diacritics 2');
"""
_FIND = "SELECT id, number, version, owner, text FROM documents WHERE kind = ? AND id IN ({marks})"
_PUT = """
INSERT OR REPLACE INTO documents (number, kind, id, version, owner, conversation, at, model, rating, print, text)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FORGET = "INSERT INTO words (words, rowid, scope, body) VALUES ('delete', ?, ?, ?)"
_ADD = "INSERT INTO words (rowid, scope, body) VALUES (?, ?, ?)"


class SqliteFile:
    """Safe for many threads: each use borrows a connection. sqlite3's errors come out as they are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._removed = False

    def schema(self) -> int:
        """The version its tables were made by; 0 if it has none yet. Makes an empty file where there is none."""
        with self.connection() as sql:
            return int(sql.execute("PRAGMA user_version").fetchone()[0])

    def is_complete(self) -> bool:
        """SQLite keeps a number in each file for whoever uses it: here 1 once the index has everything."""
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
        with self.using(self.borrow()) as connection:
            yield connection

    def borrow(self) -> sqlite3.Connection:
        """A connection that no other thread has, to be handed to `using`."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._open()

    @contextmanager
    def using(self, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        """Takes the connection back afterwards. One that failed is not used again."""
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
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a put is on the disk before its job is deleted from the store, also through a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def token(kind: str, owner_id: str | None = None) -> str:
    """One token for a kind, or for a person's things of a kind. An owner's postings are then all that a search of theirs reads."""
    return f"k{kind}" if owner_id is None else f"o{kind}x{owner_id.encode().hex()}"


def _scope(kind: str, owner_id: str) -> str:
    return f"{token(kind)} {token(kind, owner_id)}"


def _put(sql: sqlite3.Connection, documents: Sequence[Document]) -> None:
    known = _known(sql, documents)
    number = int(sql.execute("SELECT coalesce(max(number), 0) FROM documents").fetchone()[0])
    forgotten, rows, added = [], [], []
    for document in documents:
        old_number, old_version, old_owner, old_text = known.get((document.kind, document.id), (None, 0, "", None))
        if old_number is not None and old_version > document.version:
            continue
        if old_number is None:
            number += 1
        here = number if old_number is None else old_number
        if old_text is not None:
            forgotten.append((here, _scope(document.kind, old_owner), spread(old_text)))
        rows.append(
            (
                here, document.kind, document.id, document.version, document.owner_id, document.conversation_id, moment(document.at),
                document.model, document.rating, document.fingerprint, document.text,
            )
        )  # fmt: skip
        if document.text is not None:
            added.append((here, _scope(document.kind, document.owner_id), spread(document.text)))
    sql.executemany(_FORGET, forgotten)
    sql.executemany(_PUT, rows)
    sql.executemany(_ADD, added)


def _known(sql: sqlite3.Connection, documents: Sequence[Document]) -> Mapping[tuple[str, str], tuple[int | None, int, str, str | None]]:
    """(kind, id) -> number, version, owner, text of those that are there."""
    by_kind: dict[str, list[str]] = {}
    for document in documents:
        by_kind.setdefault(document.kind, []).append(document.id)
    found: dict[tuple[str, str], tuple[int | None, int, str, str | None]] = {}
    for kind, ids in by_kind.items():
        for start in range(0, len(ids), FIND_AT_ONCE):
            part = ids[start : start + FIND_AT_ONCE]
            for id, *rest in sql.execute(_FIND.format(marks=",".join("?" * len(part))), (kind, *part)):
                found[kind, id] = (rest[0], rest[1], rest[2], rest[3])
    return found
