"""The embedded search index: SQLite FTS5 in files of its own, which can be thrown away and rebuilt from the store."""

from __future__ import annotations

import logging
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path

from core.entities import UNRATED, SearchHit, SearchPage, SearchQuery
from core.errors import Unavailable
from data.search.port import Document, moment
from data.search.sqlite_file import SqliteFile, token
from data.search.words import Term, snippet, terms

log = logging.getLogger(__name__)

SCHEMA_VERSION = 2
"""Raise it when the tables or data.search.words change: a new file is then filled beside the old one."""

_FROM = "FROM words JOIN documents d ON d.number = words.rowid WHERE words MATCH ?"
_SEARCH = "SELECT d.number {where} ORDER BY bm25(words, 0.0, 1.0), d.number DESC LIMIT ?"
_PAGE = "SELECT d.number {where} ORDER BY d.at DESC, d.id DESC LIMIT ?"
_COUNT = "SELECT count(*) FROM words WHERE words MATCH ?"
_COUNT_FILTERED = "SELECT count(*) {where}"
_HITS = "SELECT number, kind, id, conversation, text, at FROM documents WHERE number IN ({marks})"
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
        self._make_sure()
        return self._building is not None

    def rebuild(self) -> None:
        self._make_sure()
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
        self._make_sure()
        with _errors():
            file = self._building or self._complete
            assert file is not None
            file.put(documents)
        return {}

    def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        wanted = terms(query.text)
        if not wanted:
            return []
        where, values = _where(query, wanted)
        with self._source() as sql:
            return _hits(sql, sql.execute(_SEARCH.format(where=where), (*values, query.limit)), wanted)

    def page(self, query: SearchQuery) -> SearchPage:
        wanted = terms(query.text)
        if not wanted:
            return SearchPage([], 0)
        where, values = _where(query, wanted)
        filtered = len(values) > 1
        here, after = where, values
        if query.after is not None:
            here, after = where + " AND (d.at, d.id) < (?, ?)", (*values, moment(query.after[0]), query.after[1])
        with self._source() as sql:
            total = sql.execute(_COUNT_FILTERED.format(where=where) if filtered else _COUNT, values).fetchone()[0]
            return SearchPage(_hits(sql, sql.execute(_PAGE.format(where=here), (*after, query.limit)), wanted), total)

    def refresh(self) -> None:
        """Nothing to do: what is put is findable at once."""

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
        """The newest complete file, and a younger one that is being built by this version; all others are removed."""
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
        """0 for search.db, 3 for search-3.db, -1 for what is not ours."""
        if path.name == self._path.name:
            return 0
        match = re.fullmatch(re.escape(self._path.stem) + r"-([1-9]\d*)" + re.escape(self._path.suffix), path.name)
        return int(match[1]) if match else -1

    def _make_sure(self) -> None:
        if not self._prepared:  # a search may come before the worker's first step
            self.prepare()

    def _source(self) -> AbstractContextManager[sqlite3.Connection]:
        """A connection to the file that searches read."""
        return self._borrow(lambda: self._complete or self._building)

    def _target(self) -> AbstractContextManager[sqlite3.Connection]:
        """A connection to the file that puts go to."""
        return self._borrow(lambda: self._building or self._complete)

    @contextmanager
    def _borrow(self, choose: Callable[[], SqliteFile | None]) -> Iterator[sqlite3.Connection]:
        self._make_sure()
        with _errors():
            # Under the lock: a file that has just been removed must not be opened again. What is open then can be read to the end.
            with self._changing:
                file = choose()
                assert file is not None
                connection = file.borrow()
            with file.using(connection) as sql:
                yield sql


def _where(query: SearchQuery, wanted: list[Term]) -> tuple[str, tuple[object, ...]]:
    """Only what is asked for: words alone are then counted without a look at the documents."""
    where: list[str] = [_FROM]
    values: list[object] = [_match(query, wanted)]
    filters: dict[str, object] = {
        "d.at >= ?": moment(query.since),
        "d.at < ?": moment(query.until),
        "d.model = ?": query.model,
        "d.rating = ?": query.rating or None,
        "d.rating IS NULL AND d.model <> ?": "" if query.rating == UNRATED else None,
    }
    for condition, value in filters.items():
        if value is not None:
            where.append(condition)
            values.append(value)
    return " AND ".join(where), tuple(values)


def _hits(sql: sqlite3.Connection, found: sqlite3.Cursor, wanted: list[Term]) -> list[SearchHit]:
    """The texts are read for the hits alone; sorting must not carry those of all matches along."""
    numbers = [row[0] for row in found]
    rows = {row[0]: row[1:] for row in sql.execute(_HITS.format(marks=",".join("?" * len(numbers))), numbers)}
    hits = []
    for number in numbers:
        kind, id, conversation, text, at = rows[number]
        hits.append(SearchHit(kind, id, conversation, snippet(text, wanted), datetime.fromisoformat(at) if at else None))
    return hits


def _match(query: SearchQuery, wanted: list[Term]) -> str:
    """FTS5 syntax around words that hold letters and digits only."""
    return " AND ".join([f'scope : "{token(query.kind, query.owner_id)}"', *(f"body : {_phrase(term)}" for term in wanted)])


def _phrase(term: Term) -> str:
    if not term.cjk:
        return f'"{term.text}"'
    return f'"{" ".join(term.pairs)}"' if term.pairs else f'"{term.text}" *'


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        log.warning("The search index failed: %s", error)
        raise Unavailable("The search index cannot be used now. Try again in a minute, or ask an admin.") from error
