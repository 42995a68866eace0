"""Read and query tables, each time in a separate `worker` process, which limits the harm of a hostile file or query."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import InvalidInput
from core.knowledge.ports import OnQueuePosition
from core.knowledge.tables.ports import TableFile
from core.knowledge.tables.records import ColumnKind, QueryResult, ReadTables, ResultColumn
from core.knowledge.tables.stored import table_of
from data.bounded_process import BoundedProcess, OverLimit
from data.table_files.kinds import FileKind, kind_of_file

CPU_S, WALL_S, WAIT_S = 60, 60.0, 120.0
QUERY_S = 20
"""Processor time of a query, after its tables are loaded."""
MEMORY_BYTES = 3 << 30
AT_ONCE, MAX_OPEN = 2, 4
MAX_SQL_LENGTH = 20_000
WORKER = Path(__file__).with_name("worker.py")
_BUSY = "Other tables are being read. Try again in a minute."
_UNAVAILABLE = "Tables cannot be read at the moment. Try again later, or ask an admin: the log says why."
_REFUSED = {
    "damaged": "{name} is damaged and cannot be read. Open it in its own program, save it again, and attach the new file.",
    "encrypted": "{name} is password-protected. Save a copy without a password and attach that.",
    "empty": "{name} has no rows. Attach a file with a header and at least one row.",
    "encoding": "{name} cannot be read in its encoding. Choose another encoding.",
    "no table": "{name} has no table: no delimiter separates its lines into the same number of columns.",
    "row": "Row {row} of {name} has more values than the header, which has {columns}. Correct the row and attach the file again.",
    "rows": "{name} has more than {limit} rows. Attach only the rows your question is about.",
    "columns": "{name} has {n} columns; the limit is {limit}. Attach only the columns your question is about.",
    "sheets": "{name} has {n} sheets; the limit is {limit}. Attach only the sheets your question is about.",
    "heavy": "{name} takes too much time or memory to read. Attach only the part you need.",
}
_SQL_REFUSED = {
    "not a select": "A query is one SELECT statement. It cannot change anything, and only reads the attached tables.",
    "sql": "The query failed: {problem}",
    "heavy": "The query takes too much time or memory. Ask for fewer rows, or aggregate them.",
}


class ProcessTableReader:
    """Implements core.knowledge.tables.ports.TableReader. Reads a limited number of files at once, fairly by person. Thread-safe."""

    def __init__(
        self, *, cpu_s: int = CPU_S, query_s: int = QUERY_S, wall_s: float = WALL_S, memory_bytes: int = MEMORY_BYTES,
        at_once: int = AT_ONCE, wait_s: float = WAIT_S,
    ) -> None:  # fmt: skip
        """cpu_s, query_s, wall_s, memory_bytes: limits of one file or query. wait_s: how long it waits for its turn."""
        self._limits = {"cpu_s": cpu_s, "query_s": query_s, "memory_bytes": memory_bytes}
        self._process = BoundedProcess(
            WORKER, at_once=at_once, most_open=at_once + MAX_OPEN - AT_ONCE, wall_s=wall_s, wait_s=wait_s, busy=_BUSY,
            unavailable=_UNAVAILABLE,
        )  # fmt: skip

    def needs_reading(self, name: str, content: bytes) -> bool:
        return kind_of_file(name, content) in (FileKind.WORKBOOK, FileKind.PARQUET)

    def read(self, file: TableFile, person: str = "", on_queue_position: OnQueuePosition | None = None) -> ReadTables:
        found = self._asked([file], None, 0, person, on_queue_position)
        if "error" in found:
            raise InvalidInput(_REFUSED[found["error"]], name=file.name, **found["fields"])
        return ReadTables(tables=tuple(map(table_of, found["tables"])), text=found["text"])

    def query(self, files: Sequence[TableFile], sql: str, person: str = "", *, most_rows: int) -> QueryResult:
        if len(sql) > MAX_SQL_LENGTH:
            raise InvalidInput("A query can have at most {limit:,} characters.", limit=MAX_SQL_LENGTH)
        found = self._asked(files, sql, most_rows, person, None)
        if "error" in found:
            name = ", ".join(each.name for each in files)
            sentence = _SQL_REFUSED.get(found["error"]) or _REFUSED[found["error"]]
            raise InvalidInput(sentence, **{"name": name, **found["fields"]})
        return QueryResult(
            columns=tuple(ResultColumn(name=name, kind=ColumnKind(kind)) for name, kind in found["columns"]),
            rows=tuple(map(tuple, found["rows"])), more=found["more"], seconds=found["seconds"],
        )  # fmt: skip

    def _asked(
        self, files: Sequence[TableFile], sql: str | None, most_rows: int, person: str, on_queue_position: OnQueuePosition | None
    ) -> dict[str, Any]:
        listed = [{"name": each.name, "size": len(each.content), "encoding": each.encoding} for each in files]
        asked = {**self._limits, "files": listed, "sql": sql, "most_rows": most_rows}
        try:
            answer: dict[str, Any] = json.loads(
                self._process.run(b"".join(each.content for each in files), asked, person, on_queue_position)
            )
        except OverLimit:
            return {"error": "heavy", "fields": {}}
        return answer
