"""The embedded search index: SQLite FTS5 in a file of its own, which can be thrown away and rebuilt from the store."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.entities import SearchHit, SearchQuery
from core.errors import Unavailable
from data.search.port import Document
from data.search.words import Term, snippet, spread, terms

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
"""Raise it when the tables or data.search.words change: older files are then rebuilt."""
BUSY_TIMEOUT_S = 10

# The words lie in a contentless table: `documents` has the text already. To forget a document, FTS5 must be given the very
# words it was given before, which `_words` makes again from the stored text.
_TABLES = """
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    owner TEXT NOT NULL, conversation TEXT NOT NULL, at TEXT, model TEXT NOT NULL, text TEXT, UNIQUE (kind, id)
);
CREATE VIRTUAL TABLE words USING fts5 (scope, body, content = '', tokenize = 'porter unicode61 remove_diacritics 2');
"""
_FIND = "SELECT number, version, kind, owner, text FROM documents WHERE kind = ? AND id = ?"
_PUT = """
INSERT INTO documents (kind, id, version, owner, conversation, at, model, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, owner = excluded.owner, conversation = excluded.conversation,
    at = excluded.at, model = excluded.model, text = excluded.text
RETURNING number
"""
_FORGET = "INSERT INTO words (words, rowid, scope, body) VALUES ('delete', ?, ?, ?)"
_ADD = "INSERT INTO words (rowid, scope, body) VALUES (?, ?, ?)"
_SEARCH = """
SELECT d.kind, d.id, d.conversation, d.text FROM words JOIN documents d ON d.number = words.rowid
WHERE words MATCH ? AND d.kind = ? AND (? IS NULL OR d.owner = ?) AND d.text IS NOT NULL
ORDER BY bm25(words, 0.0, 1.0), d.number DESC LIMIT ?
"""


class SqliteIndex:
    """Implements data.search.port.WritableIndex. Safe for many threads: each call borrows a connection."""

    engine = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._preparing = threading.Lock()
        self._prepared = False

    def prepare(self) -> None:
        with self._preparing:
            try:
                self._make_tables()
            except (sqlite3.OperationalError, OSError) as error:
                raise _unavailable(error) from error
            except sqlite3.DatabaseError as error:
                log.warning("The search index %s is damaged (%s); it is rebuilt.", self._path, error)
                self._remove_file()
                self._make_tables()
            self._prepared = True

    def is_empty(self) -> bool:
        with self._connection() as sql:
            return sql.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is None

    def put(self, documents: Sequence[Document]) -> dict[tuple[str, str], str]:
        with self._connection() as sql:
            sql.execute("BEGIN IMMEDIATE")
            try:
                for document in documents:
                    _put(sql, document)
                sql.execute("COMMIT")
            except BaseException:
                if sql.in_transaction:
                    sql.execute("ROLLBACK")
                raise
        return {}

    def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        wanted = terms(query.text)
        if not wanted:
            return []
        match = _match(query, wanted)
        with self._connection() as sql:
            rows = sql.execute(_SEARCH, (match, query.kind, query.owner_id, query.owner_id, query.limit)).fetchall()
        return [SearchHit(kind, id, conversation, snippet(text, wanted)) for kind, id, conversation, text in rows]

    def refresh(self) -> None:
        """Nothing to do: what is put is findable at once."""

    def ids(self, kind: str) -> Iterator[str]:
        with self._connection() as sql:
            yield from [row[0] for row in sql.execute("SELECT id FROM documents WHERE kind = ? AND text IS NOT NULL", (kind,))]

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection that no other thread has. One that failed is not used again."""
        if not self._prepared:  # a search may come before the worker's first step
            self.prepare()
        try:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._open()
            yield connection
        except (sqlite3.Error, OSError) as error:
            raise _unavailable(error) from error
        self._idle.append(connection)

    def _open(self) -> sqlite3.Connection:
        self._path.touch(mode=0o600)
        connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a put is on the disk before its job is deleted from the store, also through a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _make_tables(self) -> None:
        sql = self._open()
        version = sql.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            log.info("The search index %s was made by another version; it is rebuilt.", self._path)
            sql.close()
            self._remove_file()
            sql = self._open()
            version = 0
        if version == 0:
            sql.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        sql.close()

    def _remove_file(self) -> None:
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _put(sql: sqlite3.Connection, document: Document) -> None:
    old = sql.execute(_FIND, (document.kind, document.id)).fetchone()
    if old is not None:
        number, version, kind, owner, text = old
        if version > document.version:
            return
        if text is not None:
            sql.execute(_FORGET, (number, _scope(kind, owner), spread(text)))
    at = document.at.isoformat() if document.at else None
    values = (document.kind, document.id, document.version, document.owner_id, document.conversation_id, at, document.model, document.text)
    [(number,)] = sql.execute(_PUT, values).fetchall()
    if document.text is not None:
        sql.execute(_ADD, (number, _scope(document.kind, document.owner_id), spread(document.text)))


def _scope(kind: str, owner_id: str) -> str:
    return f"{_token(kind)} {_token(kind, owner_id)}"


def _token(kind: str, owner_id: str | None = None) -> str:
    """One token for a kind, or for a person's things of a kind. An owner's postings are then all that a search of theirs reads."""
    return f"k{kind}" if owner_id is None else f"o{kind}x{owner_id.encode().hex()}"


def _match(query: SearchQuery, wanted: list[Term]) -> str:
    """FTS5 syntax around words that hold letters and digits only."""
    return " AND ".join([f'scope : "{_token(query.kind, query.owner_id)}"', *(f"body : {_phrase(term)}" for term in wanted)])


def _phrase(term: Term) -> str:
    if not term.cjk:
        return f'"{term.text}"'
    return f'"{" ".join(term.pairs)}"' if term.pairs else f'"{term.text}" *'


def _unavailable(error: Exception) -> Unavailable:
    log.warning("The search index failed: %s", error)
    return Unavailable("The search index cannot be used now. Try again in a minute, or ask an admin.")
