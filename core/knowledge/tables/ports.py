"""Declare the reader of tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.knowledge.ports import OnQueuePosition
from core.knowledge.tables.records import QueryResult, ReadTables


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFile:
    """A file with tables, as it is stored."""

    name: str
    content: bytes = field(repr=False)
    encoding: str = ""
    """A key of core.knowledge.encodings.ENCODINGS for a text file; empty for others."""


class TableReader(Protocol):
    """Reads and queries tables, in a process that can be ended. Raises Busy and Unavailable."""

    def needs_reading(self, name: str, content: bytes) -> bool:
        """Tell whether a file is a workbook or Parquet file, which is no text."""
        ...

    def read(self, file: TableFile, person: str = "", on_queue_position: OnQueuePosition | None = None) -> ReadTables:
        """Return the tables of a file. Raises InvalidInput for a damaged, empty, protected or too large one."""
        ...

    def query(self, files: Sequence[TableFile], sql: str, person: str = "", *, most_rows: int) -> QueryResult:
        """Run one SELECT on the tables of these files. Raises InvalidInput if it is refused, fails or takes too long."""
        ...
