"""Choose what of each table a backup contains, in types that are the same on every database."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Connection,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    String,
    TableClause,
    Text,
    column,
    func,
    select,
    table,
)
from sqlalchemy.types import TypeEngine

from data.columns import UtcDateTime
from data.tables import (
    AttemptTable,
    DeviceTable,
    EmbeddingTable,
    GroundResultTable,
    IndexJobTable,
    JobTable,
    ProofTable,
    ResultTable,
    SessionTable,
    Table,
)

LEFT_OUT = {
    each.__tablename__
    for each in (
        *(SessionTable, ProofTable, AttemptTable, DeviceTable, IndexJobTable, JobTable),
        *(EmbeddingTable, ResultTable, GroundResultTable),
    )
}
"""Tables that are left out. Sessions end with a restore: people sign in again. The index is rebuilt. Jobs belong to the server that made
the backup. Embeddings, cached results and grounding results are computed again."""

_WORDS: Mapping[str, Callable[[], TypeEngine[Any]]] = {
    "moment": UtcDateTime,
    "json": JSON,
    "flag": lambda: Boolean(create_constraint=False),
    "number": BigInteger,
    "float": lambda: Float(53),
    "text": Text,
    "bytes": LargeBinary,
}
"""The types of a backup's columns. Text and bytes are copied as stored: what is encrypted stays encrypted. Bytes are in base64."""

ROWS_AT_ONCE = 1000
PARTS_AT_ONCE = 32
"""Most rows with bytes at once: file chunks of 64 KiB each."""


class BackedUpTable:
    """One table of a backup: its name, and its columns with their types."""

    def __init__(self, name: str, columns: Sequence[tuple[str, str]]) -> None:
        self.name = name
        self.columns = columns
        self.clause: TableClause = table(name, *(column(each, _WORDS[word]()) for each, word in columns))

    @property
    def rows_at_once(self) -> int:
        """Return how many rows are held in memory together."""
        return PARTS_AT_ONCE if any(word == "bytes" for _, word in self.columns) else ROWS_AT_ONCE

    def plain(self, row: Sequence[Any]) -> list[Any]:
        """Convert a database row to JSON values."""
        return [_to_json(value) for value in row]

    def values(self, record: Sequence[Any]) -> dict[str, Any]:
        """Convert a record to a database row."""
        return {name: _from_json(word, value) for (name, word), value in zip(self.columns, record, strict=True)}


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return b64encode(value).decode() if isinstance(value, bytes) else value


def _from_json(word: str, value: Any) -> Any:
    if value is None or word not in ("moment", "bytes"):
        return value
    return datetime.fromisoformat(value) if word == "moment" else b64decode(value, validate=True)


def present_tables() -> list[BackedUpTable]:
    """Return the tables of this version, parents before children."""
    return [
        BackedUpTable(each.name, [(column.name, _word(column.type)) for column in each.columns])
        for each in Table.metadata.sorted_tables
        if each.name not in LEFT_OUT
    ]


def count_rows(connection: Connection) -> dict[str, int]:
    """Count the rows of each table."""
    return {each.name: int(connection.scalar(select(func.count()).select_from(each.clause)) or 0) for each in present_tables()}


def record_line(record: Any) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8")


class RowHash:
    """A hash of rows that does not depend on their order, because databases sort text differently."""

    def __init__(self) -> None:
        self._sum = 0
        self.rows = 0

    def add(self, line: bytes) -> None:
        self._sum = (self._sum + int.from_bytes(sha256(line).digest(), "big")) % 2**256
        self.rows += 1

    @property
    def hex(self) -> str:
        return f"{self._sum:064x}"


def _word(type: TypeEngine[Any]) -> str:
    kind = getattr(type, "impl_instance", type)
    kinds = {
        "moment": DateTime, "json": JSON, "flag": Boolean, "number": Integer, "float": Float, "text": String, "bytes": LargeBinary,
    }  # fmt: skip
    for word, python in kinds.items():
        if isinstance(kind, python):
            return word
    raise TypeError(f"a backup does not know the type {type!r}")
