"""Read a backup and check that it is intact."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from core.errors import InvalidInput
from core.operations.records import Progress
from data.backup.file import read_records
from data.backup.tables import BackedUpTable, RowHash, record_line


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a backup. revision: of the tables it was made from. rows: by table."""

    made_at: datetime
    revision: str
    last_job: int
    rows: Mapping[str, int]
    hashes: Mapping[str, str]


Begin = Callable[[str], None]
"""Receives the revision, before the first row."""
Take = Callable[[BackedUpTable, Sequence[list[Any]]], None]


def ignore_progress(share: float) -> None:
    """Ignore progress."""


def check(file: BinaryIO, passphrase: str | None, progress: Progress = ignore_progress) -> Contents:
    """Read everything. Raises InvalidInput if any row is missing, altered or extra."""
    size = os.fstat(file.fileno()).st_size if progress is not ignore_progress else 0

    def take(table: BackedUpTable, rows: Sequence[list[Any]]) -> None:
        if size:
            progress(file.tell() / size)

    return read(file, passphrase, lambda revision: None, take)


def read(file: BinaryIO, passphrase: str | None, begin: Begin, take: Take) -> Contents:
    """Pass the rows of each table to `take`, parents before children. Raises InvalidInput, possibly after the last row."""
    records = read_records(file, passphrase)
    try:
        first = next(records)
        made_at, revision, last_job = datetime.fromisoformat(first["made_at"]), str(first["revision"]), int(first["last_job"])
        begin(revision)
        hashes: dict[str, RowHash] = {}
        table: BackedUpTable | None = None
        rows: list[list[Any]] = []
        sums: dict[str, Any] | None = None
        for record in records:
            if isinstance(record, list):
                if table is None:
                    raise KeyError("a row before its table")
                hashes[table.name].add(record_line(record))
                rows.append(record)
            if table is not None and rows and (len(rows) == table.rows_at_once or not isinstance(record, list)):
                take(table, rows)
                rows = []
            if isinstance(record, dict):
                if "sums" in record:
                    sums = record["sums"]
                else:
                    table = BackedUpTable(record["table"], [(name, word) for name, word in record["columns"]])
                    hashes[table.name] = RowHash()
    except (KeyError, TypeError, ValueError, StopIteration) as problem:
        raise InvalidInput("This backup is damaged: it cannot be read.") from problem
    if sums != {name: {"rows": each.rows, "hash": each.hex} for name, each in hashes.items()}:
        raise InvalidInput("This backup is damaged: its rows differ from those that were written.")
    return Contents(
        made_at=made_at,
        revision=revision,
        last_job=last_job,
        rows={name: each.rows for name, each in hashes.items()},
        hashes={name: each.hex for name, each in hashes.items()},
    )
