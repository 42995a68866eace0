"""Query tables in own files."""

from __future__ import annotations

from collections.abc import Sequence

from core.characters import is_blank
from core.errors import InvalidInput
from core.knowledge.attachment import MAX_FILES
from core.knowledge.files import own_file
from core.knowledge.tables.ports import TableFile, TableReader
from core.knowledge.tables.records import QueryResult
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory

MAX_ROWS = 10_000
"""Most rows that a query returns."""


class TableQueries:
    def __init__(self, unit_of_work: UnitOfWorkFactory, reader: TableReader) -> None:
        self._unit_of_work = unit_of_work
        self._reader = reader

    def run(
        self, user: User, file_ids: Sequence[str], sql: str, most_rows: int = 1_000, others: Sequence[TableFile] = ()
    ) -> QueryResult:
        """Run one SELECT on the tables of own files. Raises NotFound, InvalidInput, Busy and Unavailable.

        others: further tables, which are not stored.
        """
        require(user, Permission.CHAT)
        if is_blank(sql):
            raise InvalidInput("The query is empty. Enter a SELECT statement.")
        if not 1 <= most_rows <= MAX_ROWS:
            raise InvalidInput("max_rows must be 1 to {most:,}.", most=MAX_ROWS)
        ids = list(dict.fromkeys(file_ids))
        if not 1 <= len(ids) + len(others) <= MAX_FILES:
            raise InvalidInput("A query can read 1 to {limit} files.", limit=MAX_FILES)
        with self._unit_of_work() as work:
            files = [own_file(work, user, each) for each in ids]
            for file in files:
                if not file.tables:
                    raise InvalidInput("{name} has no table to query.", name=file.name)
            read = [TableFile(name=file.name, content=work.files.content(file.id), encoding=file.encoding) for file in files]
        return self._reader.query([*read, *others], sql, user.id, most_rows=most_rows)
