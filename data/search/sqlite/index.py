"""Implement the embedded search index with SQLite FTS5, in files that can be deleted and rebuilt from the database."""

from __future__ import annotations

import logging
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from core.errors import Unavailable
from core.search.records import DocumentKind, SearchHit, SearchPage, SearchQuery
from data.search.port import COUNTED, RANKED, Document, moment
from data.search.sqlite.file import SLOT_BITS, SqliteFile, in_parts, placeholders, second_of
from data.search.tokens import file_token, folder_token, model_token, rating_token, token
from data.search.words import Term, emoji_word, relevance, snippet, terms

log = logging.getLogger(__name__)

SCHEMA_VERSION = 5
"""Raise it when the tables or data.search.words change: a new file is then filled beside the old one, which is searched meanwhile. In files
before version 3, numbers do not contain the time: until the new file is complete, filters find nothing there. Files before version 4 lack
folders and attached files, so these two filters find nothing; files before version 5 lack emoji.
"""

_NEWEST = "SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ?{more} ORDER BY rowid DESC LIMIT ?"
_IN_CONVERSATION = " AND (SELECT conversation FROM documents WHERE number = words.rowid) = ?"
"""No token of `scope`: it would be one more word for each document, and a person has few matches compared with all documents."""
_POSITIONS = "SELECT at, id, number FROM documents WHERE number IN ({placeholders})"
_ROWS = "SELECT number, kind, id, conversation, at, text FROM documents WHERE number IN ({placeholders})"
_IDS = "SELECT id FROM documents WHERE kind = ? AND text IS NOT NULL"
_PRINTS = "SELECT id, print FROM documents WHERE kind = ? AND id > ? AND (? IS NULL OR id <= ?) AND text IS NOT NULL"


class SqliteIndex:
    """Implements data.search.port.WritableIndex: search.db, and after a rebuild search-1.db, search-2.db and so on."""

    engine = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changing = threading.Lock()
        self._complete: SqliteFile | None = None
        self._building: SqliteFile | None = None
        self._prepared = False

    def prepare(self) -> None:
        with self._changing, _errors():
            self._find_files()
            if self._building is None and (self._complete is None or self._complete.schema() != SCHEMA_VERSION):
                self._begin()
            self._prepared = True

    def is_empty(self) -> bool:
        with self._target() as sql:
            return sql.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is None

    def is_building(self) -> bool:
        self._ensure_prepared()
        return self._building is not None

    def rebuild(self) -> None:
        self._ensure_prepared()
        with self._changing, _errors():
            if self._building is None:
                self._begin()

    def complete(self) -> None:
        with self._changing, _errors():
            if self._building is not None:
                self._building.complete()
                old, self._complete, self._building = self._complete, self._building, None
                if old is not None:
                    old.remove()

    def put(self, documents: Sequence[Document]) -> dict[tuple[str, str], str]:
        self._ensure_prepared()
        with _errors():
            file = self._building or self._complete
            assert file is not None
            file.put(documents)
        return {}

    def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        wanted = terms(query.text)
        if not wanted:
            return []
        with self._source() as sql:
            newest = [position.number for position in _positions(sql, query, _newest(sql, query, wanted, max(query.limit, RANKED)))]
            rows = sorted(_rows(sql, newest), key=lambda row: (relevance(row.text, wanted), row.number), reverse=True)
            return [_hit(row, wanted) for row in rows[: query.limit]]

    def page(self, query: SearchQuery) -> SearchPage:
        wanted = terms(query.text)
        if not wanted:
            return SearchPage([], 0)
        with self._source() as sql:
            found = _newest(sql, replace(query, after=None), wanted, COUNTED + 1)
            total = len(_inside(sql, query, found))
            rows = sorted(_rows(sql, _page(sql, query, wanted)), key=lambda row: (row.at or "", row.id), reverse=True)
            return SearchPage([_hit(row, wanted) for row in rows], min(total, COUNTED), len(found) > COUNTED)

    def refresh(self) -> None:
        """Do nothing: documents are searchable at once."""

    def ids(self, kind: str) -> Iterator[str]:
        with self._target() as sql:
            yield from [row[0] for row in sql.execute(_IDS, (kind,))]

    def fingerprints(self, kind: str, after: str, upto: str | None) -> Mapping[str, str]:
        with self._target() as sql:
            return dict(sql.execute(_PRINTS, (kind, after, upto, upto)))

    def remove(self) -> None:
        """Delete all files of the index."""
        with self._changing, _errors():
            self._prepared = False
            for path in self._path.parent.glob(f"{self._path.stem}*{self._path.suffix}"):
                if self._number(path) >= 0:
                    SqliteFile(path).remove()

    def close(self) -> None:
        for file in (self._complete, self._building):
            if file is not None:
                file.close()

    def _find_files(self) -> None:
        """Find the newest complete file, and a newer one that this version is building; delete all others."""
        self.close()
        self._complete = self._building = None
        for path in sorted(self._path.parent.glob(f"{self._path.stem}*{self._path.suffix}"), key=self._number):
            if self._number(path) < 0:
                continue
            file = SqliteFile(path)
            try:
                schema, complete = file.schema(), file.is_complete()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                log.warning("The search index %s is damaged (%s); it is rebuilt.", path, error)
                file.remove()
                continue
            # Files of the first version know no incomplete state.
            if schema and (complete or schema == 1):
                self._replace(file, None)
            elif schema == SCHEMA_VERSION and self._building is None:
                self._replace(self._complete, file)
            else:
                file.remove()

    def _replace(self, complete: SqliteFile | None, building: SqliteFile | None) -> None:
        for old in (self._complete, self._building):
            if old is not None and old is not complete:
                old.remove()
        self._complete, self._building = complete, building

    def _begin(self) -> None:
        number = self._number(self._complete.path) + 1 if self._complete else 0
        path = self._path if number == 0 else self._path.with_name(f"{self._path.stem}-{number}{self._path.suffix}")
        file = SqliteFile(path)
        file.make_tables(SCHEMA_VERSION)
        self._building = file

    def _number(self, path: Path) -> int:
        """Return the file's number: 0 for search.db, 3 for search-3.db, -1 for other files."""
        if path.name == self._path.name:
            return 0
        match = re.fullmatch(re.escape(self._path.stem) + r"-([1-9]\d*)" + re.escape(self._path.suffix), path.name)
        return int(match[1]) if match else -1

    def _ensure_prepared(self) -> None:
        if not self._prepared:  # A search may come before the worker's first step.
            self.prepare()

    def _source(self) -> AbstractContextManager[sqlite3.Connection]:
        """Yield a connection to the file that searches read."""
        return self._connection(lambda: self._complete or self._building)

    def _target(self) -> AbstractContextManager[sqlite3.Connection]:
        """Yield a connection to the file that is written to."""
        return self._connection(lambda: self._building or self._complete)

    @contextmanager
    def _connection(self, choose: Callable[[], SqliteFile | None]) -> Iterator[sqlite3.Connection]:
        self._ensure_prepared()
        with _errors():
            # Under the lock: a file that was just deleted must not be opened again. Open files can be read to the end.
            with self._changing:
                file = choose()
                assert file is not None
                connection = file.take_connection()
            with file.using(connection) as sql:
                yield sql


class _Position(NamedTuple):
    at: str
    id: str
    number: int


class _Row(NamedTuple):
    number: int
    kind: str
    id: str
    conversation: str
    at: str | None
    text: str


def _newest(sql: sqlite3.Connection, query: SearchQuery, wanted: list[Term], limit: int) -> list[int]:
    """Return numbers of matches, newest first. Matches in the same second as a filter's time or the cursor may lie beyond it."""
    first = second_of(query.since) << SLOT_BITS
    ends = [end for end in (query.until, query.after and query.after[0]) if end is not None]
    last = min((second_of(end) + 1 << SLOT_BITS for end in ends), default=2**63) - 1
    inside = () if query.conversation_id is None else (query.conversation_id,)
    statement = _NEWEST.format(more=_IN_CONVERSATION if inside else "")
    return [row[0] for row in sql.execute(statement, (_match(query, wanted), first, last, *inside, limit))]


def _inside(sql: sqlite3.Connection, query: SearchQuery, numbers: list[int]) -> list[int]:
    """Keep the numbers between since and until; only those in the first and the last second need a check."""
    ends = {second_of(end) for end in (query.since, query.until) if end is not None}
    unsure = [number for number in numbers if number >> SLOT_BITS in ends]
    outside = set(unsure) - {position.number for position in _positions(sql, query, unsure)}
    return [number for number in numbers if number not in outside]


def _page(sql: sqlite3.Connection, query: SearchQuery, wanted: list[Term]) -> list[int]:
    """Return the numbers of one page. Numbers have no order within a second: each second is read whole, and sorted by time and id."""
    size = query.limit + 1
    while True:
        numbers = _newest(sql, query, wanted, size)
        everything = len(numbers) < size
        whole = numbers if everything else [each for each in numbers if each >> SLOT_BITS > numbers[-1] >> SLOT_BITS]
        positions = sorted(_positions(sql, query, whole), reverse=True)
        if everything or len(positions) >= query.limit:
            return [position.number for position in positions[: query.limit]]
        size *= 4


def _positions(sql: sqlite3.Connection, query: SearchQuery, numbers: list[int]) -> list[_Position]:
    """Return the times and ids of documents, without those beyond the filters' times and the cursor."""
    since, until = moment(query.since) or "", moment(query.until) or "~"
    before = (moment(query.after[0]) or "", query.after[1]) if query.after else ("~", "")
    rows = (
        _Position(row[0] or "", *row[1:])
        for part in in_parts(numbers)
        for row in sql.execute(_POSITIONS.format(placeholders=placeholders(part)), part)
    )
    return [position for position in rows if since <= position.at < until and position[:2] < before]


def _rows(sql: sqlite3.Connection, numbers: list[int]) -> list[_Row]:
    return [_Row(*row) for part in in_parts(numbers) for row in sql.execute(_ROWS.format(placeholders=placeholders(part)), part)]


def _hit(row: _Row, wanted: list[Term]) -> SearchHit:
    at = datetime.fromisoformat(row.at) if row.at else None
    return SearchHit(kind=DocumentKind(row.kind), id=row.id, conversation_id=row.conversation, snippet=snippet(row.text, wanted), at=at)


def _match(query: SearchQuery, wanted: list[Term]) -> str:
    """Build FTS5 syntax around words that contain letters and digits only."""
    scope = [token(query.kind, query.owner_id)]
    scope += [model_token(query.model)] if query.model is not None else []
    scope += [rating_token(query.rating)] if query.rating is not None else []
    scope += [folder_token(query.folder_id)] if query.folder_id is not None else []
    scope += [file_token(query.kind, query.owner_id)] if query.has_file else []
    return " AND ".join([*(f'scope : "{each}"' for each in scope), *(f"body : {_phrase(term)}" for term in wanted)])


def _phrase(term: Term) -> str:
    if not term.cjk:
        return f'"{emoji_word(term.text) if term.emoji else term.text}"'
    return f'"{" ".join(term.pairs)}"' if term.pairs else f'"{term.text}" *'


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        log.warning("The search index failed: %s", error)
        raise Unavailable("The search index is unavailable. Try again in a minute, or ask an admin.") from error
