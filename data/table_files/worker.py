"""Read or query tables in a separate process that can be killed. The reader runs it and never imports it.

Files are untrusted, and so are queries: they can be written to take all memory, or to read other files. So the process has little memory
and time, cannot write files or start other processes, and knows nothing of the portal.

Protocol: the files on stdin, one after the other; one argument, {"cpu_s", "query_s", "memory_bytes", "files": [{"name", "size",
"encoding"}], "sql", "most_rows"}, without a query if sql is null; on stdout {"tables", "text"}, {"columns", "rows", "more", "seconds"} or
{"error", "fields"}.
"""

from __future__ import annotations

import json
import logging
import resource
import signal
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

# The process is isolated: Python finds modules only in its own folders.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import duckdb

from data.table_files.column_types import give_types
from data.table_files.database import lock, opened
from data.table_files.describing.profile import described
from data.table_files.describing.text import text_of_tables
from data.table_files.formats.loaded import Loaded
from data.table_files.loading import load_file
from data.table_files.query import answer
from data.table_files.refusal import Refused


def main() -> None:
    asked = json.loads(sys.argv[1])
    contents = [(each, sys.stdin.buffer.read(each["size"])) for each in asked["files"]]
    logging.disable()
    warnings.simplefilter("ignore")
    try:
        made = _made(asked, contents)
    except Refused as refusal:
        made = {"error": refusal.reason, "fields": refusal.fields}
    except (MemoryError, duckdb.OutOfMemoryException):
        made = {"error": "heavy", "fields": {}}
    except Exception:  # noqa: BLE001 - whatever a file does to its reader, it cannot be read
        made = {"error": "damaged", "fields": {}}
    sys.stdout.write(json.dumps(made, ensure_ascii=False))


def _made(asked: dict[str, Any], contents: list[tuple[dict[str, Any], bytes]]) -> dict[str, Any]:
    _limit(asked)
    database = opened(asked["memory_bytes"] * 3 // 4)
    taken: set[str] = set()
    loaded: list[Loaded] = []
    for file, content in contents:
        loaded += load_file(database, file["name"], content, file["encoding"], taken)
    day_first = {table.name: give_types(database, table) for table in loaded}
    lock(database)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if asked["sql"] is not None:
        _limit_query(asked["query_s"])
        return answer(database, asked["sql"], asked["most_rows"])
    tables = [described(database, table, day_first[table.name]) for table in loaded]
    return {"tables": [asdict(each) for each in tables], "text": text_of_tables(database, tables)}


def _limit(asked: dict[str, Any]) -> None:
    """Limit memory, time and processes. Files in memory count as files until the tables are loaded."""
    for kind, most in {
        resource.RLIMIT_AS: asked["memory_bytes"],
        resource.RLIMIT_CPU: asked["cpu_s"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_FSIZE: asked["memory_bytes"],
    }.items():
        resource.setrlimit(kind, (most, most))


def _limit_query(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    # Time passes too while other processes have the processor.
    signal.setitimer(signal.ITIMER_REAL, 2 * seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (min(hard, int(used.ru_utime + used.ru_stime) + 1 + seconds), hard))


if __name__ == "__main__":
    main()
