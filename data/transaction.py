"""Run the statements of one transaction, and queue the index jobs that announce its writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, CursorResult, Executable, Row, Select, insert, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql.dml import UpdateBase

from core.errors import Unavailable
from data.connections.write_turns import begin_turn, end_turn
from data.tables import IndexJobTable, Table

AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]
Values = Mapping[str, Any]
_ANNOUNCE = insert(IndexJobTable)


class Transaction:
    """Runs the statements of one unit of work.

    Reads before the first write see the data committed at that moment (READ COMMITTED, as in PostgreSQL): on SQLite they run outside a
    transaction, and the first write begins one IMMEDIATE. So a writer waits for its turn instead of failing because another writer changed
    what it had read.

    Building a statement costs five times what running it does. So the statements of a question and of a page are built once, with
    bindparam(), and get their `values` here.
    """

    def __init__(self, connection: Connection, *, writing: bool = False) -> None:
        """writing: whether writing has already begun on the connection."""
        self._connection = connection
        self.is_sqlite = connection.dialect.name == "sqlite"
        self._writing = writing
        self._failed = False
        self.announced = False
        self._announcements: list[dict[str, Any]] = []

    def all(self, statement: AnySelect, values: Values | None = None) -> list[AnyRow]:
        return list(self._execute(statement, values))

    def first(self, statement: AnySelect, values: Values | None = None) -> AnyRow | None:
        return self._execute(statement, values).first()

    def scalar(self, statement: AnySelect, values: Values | None = None) -> Any:
        return self._execute(statement, values).scalar()

    def write(self, statement: UpdateBase, values: Values | list[dict[str, Any]] | None = None) -> CursorResult[*tuple[Any, ...]]:
        self._begin_writing()
        return self._execute(statement, values)

    def locked(self, statement: AnySelect, values: Values) -> list[AnyRow]:
        """Read rows with a statement that locks them (with_for_update) until the transaction ends."""
        self._begin_writing()
        return list(self._execute(statement, values))

    def lock(self, statement: AnySelect, *, referable: bool = False, of: type[Table] | None = None) -> list[AnyRow]:
        """Read and lock rows until the transaction ends.

        referable: allow other transactions to add rows that refer to them. of: lock only the rows of this table, if the statement joins
        several.
        """
        self._begin_writing()
        return list(self._execute(statement.with_for_update(key_share=referable, of=of)))

    def lock_table(self, table: type[Table]) -> None:
        """Lock a table against other writers until the transaction ends; this lock can be shared."""
        self._begin_writing()
        if not self.is_sqlite:
            self._execute(text(f"LOCK TABLE {table.__tablename__} IN SHARE MODE"))

    def lock_alone(self, number: int) -> None:
        """Wait until no other transaction holds this lock, and hold it until this one ends. On SQLite, writers never run at the same time.
        """
        self._begin_writing()
        if not self.is_sqlite:
            self._execute(text("SELECT pg_advisory_xact_lock(:number)").bindparams(number=number))

    def skip_locked(self, statement: AnySelect) -> AnyRow | None:
        """Read and lock one row, skipping rows that others have locked; SQLite has one writer at a time."""
        self._begin_writing()
        return self._execute(statement if self.is_sqlite else statement.with_for_update(skip_locked=True)).first()

    def lock_free(self, statement: AnySelect) -> list[AnyRow]:
        """Read and lock the rows that others have not locked; SQLite has one writer at a time."""
        self._begin_writing()
        return list(self._execute(statement if self.is_sqlite else statement.with_for_update(skip_locked=True, key_share=True)))

    def insert_new(self, table: type[Table], key: ColumnElement[Any], values: Mapping[str, Any]) -> bool:
        """Insert unless a unique column already has the value. Returns whether the row was inserted; the transaction stays usable either
        way."""
        return self.write(_insert_new(table, key, sqlite=self.is_sqlite), values).first() is not None

    def insert_missing(self, table: type[Table], rows: list[dict[str, Any]]) -> None:
        """Insert the rows whose unique columns have new values."""
        if rows:
            self.write(self._dialect_insert(table).on_conflict_do_nothing(), rows)

    def upsert(
        self, table: type[Table], unique: list[str], values: Mapping[str, Any], changes: Iterable[str], key: ColumnElement[Any]
    ) -> Any:
        """Insert, or change the columns `changes` of the row with the same `unique` values. Returns the row's `key`."""
        statement = self._dialect_insert(table).values(values)
        changed = {name: statement.excluded[name] for name in changes}
        return self.write(statement.on_conflict_do_update(index_elements=unique, set_=changed).returning(key)).scalar_one()

    def upsert_with(
        self, table: type[Table], unique: ColumnElement[Any], values: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> AnyRow:
        """Insert, or change the row with the same `unique` value as `changes` says, in one statement. Returns the whole row."""
        statement = self._dialect_insert(table).values(values).on_conflict_do_update(index_elements=[unique], set_=changes)
        return self.write(statement.returning(*table.__table__.c)).one()

    def announce(self, kind: str, ids: Iterable[str]) -> None:
        """Queue index jobs. They are written at the commit, after the writes they announce: the rows' locks then order the jobs of a
        document like its changes.
        """
        now = datetime.now(UTC)
        self._announcements += [{"kind": kind, "document_id": document_id, "created_at": now} for document_id in ids]

    def commit(self) -> None:
        """Commit. Raises Unavailable if the database cannot write, or if an earlier statement failed: then nothing is saved."""
        if self._failed:
            raise Unavailable("A change failed, so nothing of it was saved. Try again.")
        if self._announcements:
            self.write(_ANNOUNCE, self._announcements)
            self._announcements = []
            self.announced = True
        self._connection.commit()
        if self._writing:
            end_turn(self._connection)
        self._writing = False

    def _execute(self, statement: Executable, values: Values | list[dict[str, Any]] | None = None) -> CursorResult[*tuple[Any, ...]]:
        if self._failed:
            # The database has already rolled the transaction back: later statements must not be saved without the earlier ones.
            raise Unavailable("A change failed, so nothing of it was saved. Try again.")
        try:
            return self._connection.execute(statement, values) if values else self._connection.execute(statement)
        except BaseException:
            self._failed = True
            raise

    def _begin_writing(self) -> None:
        if not self._writing:
            if self.is_sqlite:
                begin_turn(self._connection)
                self._connection.exec_driver_sql("BEGIN IMMEDIATE")
            self._writing = True

    def _dialect_insert(self, table: type[Table]) -> Any:
        return _dialect_insert(table, sqlite=self.is_sqlite)


def _dialect_insert(table: type[Table], *, sqlite: bool) -> Any:
    return sqlite_insert(table) if sqlite else postgresql.insert(table)


@cache
def _insert_new(table: type[Table], key: ColumnElement[Any], *, sqlite: bool) -> Any:
    """Return the statement that inserts a row unless a unique column already has its value."""
    return _dialect_insert(table, sqlite=sqlite).on_conflict_do_nothing().returning(key)
