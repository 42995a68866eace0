"""Implement the embedded search index with PostgreSQL's full-text search, in a separate schema of the same database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from core.errors import Unavailable
from core.search.records import SearchHit, SearchPage, SearchQuery
from data.database import Database
from data.search.port import COUNTED, RANKED, Document
from data.search.postgresql.queries import BEST, NEWEST, conditions_of, count_matches, newest_first, plain, read_hits
from data.search.tokens import scope
from data.search.words import terms

log = logging.getLogger(__name__)

SCHEMA_VERSION = 4
"""Raise it when the tables or data.search.words change: a new table is then filled beside the old one. Tables before version 3 lack the
tokens of folders and attached files: until the new table is complete, these two filters find nothing there.
"""
MANY = 200
"""Number of documents that justifies a second connection."""
_LOCK = 0x676C6D73
"""The advisory lock for creating, starting or completing an index."""

# English words are stemmed, and stop words are kept: a search for "to be" matches both words. Schema and configuration are created once.
_MAKE = """
CREATE SCHEMA IF NOT EXISTS portal_search;
CREATE TABLE IF NOT EXISTS portal_search.indexes (number integer PRIMARY KEY, schema integer NOT NULL, complete boolean NOT NULL);
"""
_CONFIGURE = """
CREATE TEXT SEARCH DICTIONARY portal_search.stem (TEMPLATE = snowball, LANGUAGE = english);
CREATE TEXT SEARCH CONFIGURATION portal_search.words (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION portal_search.words ALTER MAPPING REPLACE english_stem WITH portal_search.stem;
"""
_TABLE = """
CREATE TABLE {table} (
    kind text, id text COLLATE "C", version bigint NOT NULL, owner text NOT NULL, conversation text NOT NULL, at timestamptz,
    model text NOT NULL, rating smallint, print text NOT NULL, text text, words tsvector, PRIMARY KEY (kind, id)
);
CREATE INDEX ON {table} USING gin (words);
CREATE INDEX ON {table} (kind, owner, at, id);
CREATE INDEX ON {table} (kind, at, id) WHERE kind IN ('feedback', 'audit');
"""
_PUT = """
INSERT INTO {table} AS d (kind, id, version, owner, conversation, at, model, rating, print, text, words)
SELECT kind, id, version, owner, conversation, at, model, rating, print, text,
    to_tsvector('portal_search.words', plain) || array_to_tsvector(string_to_array(scope, ' '))
FROM unnest(
    CAST(:kind AS text[]), CAST(:id AS text[]), CAST(:version AS bigint[]), CAST(:owner AS text[]), CAST(:conversation AS text[]),
    CAST(:at AS timestamptz[]), CAST(:model AS text[]), CAST(:rating AS smallint[]), CAST(:print AS text[]), CAST(:text AS text[]),
    CAST(:plain AS text[]), CAST(:scope AS text[])
) AS given (kind, id, version, owner, conversation, at, model, rating, print, text, plain, scope)
ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, owner = excluded.owner, conversation = excluded.conversation,
    at = excluded.at, model = excluded.model, rating = excluded.rating, print = excluded.print, text = excluded.text, words = excluded.words
WHERE d.version <= excluded.version
"""
T = TypeVar("T")


class PostgresIndex:
    """Implements data.search.port.WritableIndex: a table portal_search.documents_N, and a second one during a rebuild."""

    engine = "postgresql"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._source: str | None = None

    def prepare(self) -> None:
        with self._transaction(exclusive=True) as sql:
            sql.execute(text(_MAKE))
            made = "SELECT 1 FROM pg_ts_config WHERE cfgname = 'words' AND cfgnamespace = 'portal_search'::regnamespace"
            if sql.scalar(text(made)) is None:
                sql.execute(text(_CONFIGURE))
            rows = sql.execute(text("SELECT number, schema, complete FROM portal_search.indexes ORDER BY number")).all()
            if not rows or rows[-1].schema != SCHEMA_VERSION:
                for row in rows:
                    if not row.complete:
                        _drop(sql, row.number)
                _begin(sql)
        self._source = None

    def is_empty(self) -> bool:
        with self._transaction() as sql:
            return sql.scalar(text(f"SELECT 1 FROM {_target(sql)} LIMIT 1")) is None

    def is_building(self) -> bool:
        with self._transaction() as sql:
            return sql.scalar(text("SELECT 1 FROM portal_search.indexes WHERE NOT complete")) is not None

    def rebuild(self) -> None:
        with self._transaction(exclusive=True) as sql:
            if sql.scalar(text("SELECT 1 FROM portal_search.indexes WHERE NOT complete")) is None:
                _begin(sql)

    def complete(self) -> None:
        with self._transaction(exclusive=True) as sql:
            newest = sql.scalar(text("SELECT max(number) FROM portal_search.indexes"))
            sql.execute(text("UPDATE portal_search.indexes SET complete = true WHERE number = :number"), {"number": newest})
            for row in sql.execute(text("SELECT number FROM portal_search.indexes WHERE number < :number"), {"number": newest}).all():
                _drop(sql, row.number)
        self._source = None

    def put(self, documents: Sequence[Document]) -> dict[tuple[str, str], str]:
        # Use a fixed order everywhere, so that two replicas never deadlock.
        ordered = sorted(documents, key=lambda each: (each.kind, each.id))
        if len(ordered) < MANY:
            self._put(ordered)
            return {}
        # The server parses words with one process per connection: for many documents, two run in parallel.
        half = len(ordered) // 2
        with ThreadPoolExecutor(2, "index-put") as pool:
            list(pool.map(self._put, (ordered[:half], ordered[half:])))
        return {}

    def _put(self, documents: Sequence[Document]) -> None:
        rows = [_row(document) for document in documents]
        with self._transaction() as sql:
            # A shared lock: no rebuild begins or ends between choosing the table and writing to it.
            sql.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _LOCK})
            if rows:
                # One statement for all, with an array for each column: half the cost of a statement for each.
                columns = {name: [row[name] for row in rows] for name in rows[0]}
                sql.execute(text(_PUT.format(table=_target(sql))), columns)

    def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        wanted = terms(query.text)
        if not wanted:
            return []
        words, where, values = conditions_of(query, wanted)
        values |= {"limit": query.limit, "ranked": max(query.limit, RANKED)}

        def read(sql: Connection, table: str) -> list[SearchHit]:
            all_conditions = where + newest_first(sql, query, count_matches(sql, table, where, values))
            return read_hits(sql, text(BEST.format(table=table, words=words, where=all_conditions)), values, wanted)

        return self._read(read)

    def page(self, query: SearchQuery) -> SearchPage:
        wanted = terms(query.text)
        if not wanted:
            return SearchPage([], 0)
        _, where, values = conditions_of(query, wanted)
        here, after = where, values | {"limit": query.limit}
        if query.after is not None:
            here += " AND (at, id) < (:after_at, :after_id)"
            after |= {"after_at": query.after[0], "after_id": query.after[1]}

        def read(sql: Connection, table: str) -> SearchPage:
            total = count_matches(sql, table, where, values)
            all_conditions = here + newest_first(sql, query, total)
            hits = read_hits(sql, text(NEWEST.format(table=table, where=all_conditions)), after, wanted)
            return SearchPage(hits, min(total, COUNTED), total > COUNTED)

        return self._read(read)

    def refresh(self) -> None:
        """Do nothing: documents are searchable at once."""

    def ids(self, kind: str) -> Iterator[str]:
        with self._transaction() as sql:
            statement = text(f"SELECT id FROM {_target(sql)} WHERE kind = :kind AND text IS NOT NULL")
            yield from sql.scalars(statement, {"kind": kind}).all()

    def fingerprints(self, kind: str, after: str, upto: str | None) -> Mapping[str, str]:
        end = "" if upto is None else "AND id <= :upto"
        with self._transaction() as sql:
            found = f"SELECT id, print FROM {_target(sql)} WHERE kind = :kind AND id > :after {end} AND text IS NOT NULL"
            return {row.id: row.print for row in sql.execute(text(found), {"kind": kind, "after": after, "upto": upto})}

    def remove(self) -> None:
        """Delete everything in the index."""
        with self._transaction(exclusive=True) as sql:
            sql.execute(text("DROP SCHEMA IF EXISTS portal_search CASCADE"))

    def close(self) -> None:
        """Do nothing: the connections belong to the database."""

    def _read(self, read: Callable[[Connection, str], T]) -> T:
        """Read the table for searches, and remember which table it is."""
        try:
            return self._read_once(read)
        except Unavailable as problem:
            if not isinstance(problem.__cause__, ProgrammingError):
                raise
            # The table does not exist: this search precedes the worker's first step, or follows another replica's rebuild.
            self.prepare()
            return self._read_once(read)

    def _read_once(self, read: Callable[[Connection, str], T]) -> T:
        with self._transaction() as sql:
            if self._source is None:
                self._source = _source(sql)
            return read(sql, self._source)

    @contextmanager
    def _transaction(self, exclusive: bool = False) -> Iterator[Connection]:
        try:
            with self._database.connect() as sql:
                if exclusive:
                    sql.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                yield sql
                sql.commit()
        except DBAPIError as error:
            log.warning("The search index failed: %s", error.orig)
            raise Unavailable("The search index is unavailable. Try again in a minute, or ask an admin.") from error


def _target(sql: Connection) -> str:
    """Return the table that is written to."""
    return _table(sql.scalar(text("SELECT max(number) FROM portal_search.indexes")))


def _source(sql: Connection) -> str:
    """Return the table that searches read: the newest complete one, or the first while it is being filled."""
    newest = "SELECT number FROM portal_search.indexes ORDER BY complete DESC, number DESC LIMIT 1"
    return _table(sql.scalar(text(newest)))


def _table(number: int | None) -> str:
    return f"portal_search.documents_{number or 0}"


def _begin(sql: Connection) -> None:
    number = int(sql.scalar(text("SELECT coalesce(max(number), 0) FROM portal_search.indexes")) or 0) + 1
    sql.execute(text(_TABLE.format(table=_table(number))))
    values = {"number": number, "schema": SCHEMA_VERSION}
    sql.execute(text("INSERT INTO portal_search.indexes (number, schema, complete) VALUES (:number, :schema, false)"), values)


def _drop(sql: Connection, number: int) -> None:
    sql.execute(text(f"DROP TABLE {_table(number)}"))
    sql.execute(text("DELETE FROM portal_search.indexes WHERE number = :number"), {"number": number})


def _row(document: Document) -> dict[str, object]:
    deleted = document.text is None
    return {
        "kind": document.kind, "id": document.id, "version": document.version, "owner": document.owner_id,
        "conversation": document.conversation_id, "at": document.at, "model": document.model, "rating": document.rating,
        "print": document.fingerprint, "text": document.text, "plain": None if deleted else plain(document.text or ""),
        "scope": scope(document.kind, document.owner_id, document.folder_id, document.has_file),
    }  # fmt: skip


