"""Open an in-memory database that reaches nothing outside once it is locked."""

from __future__ import annotations

import duckdb

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    # One thread: the process may start no others.
    "threads": 1,
    "python_enable_replacements": "false",
    "python_scan_all_frames": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
}


def opened(memory_bytes: int) -> duckdb.DuckDBPyConnection:
    """Return a new database. memory_bytes: what it plans with; only the limit of the process binds."""
    return duckdb.connect(":memory:", config={**CONFIG, "memory_limit": f"{memory_bytes // 1_000_000}MB"})


def lock(database: duckdb.DuckDBPyConnection) -> None:
    """Take away files, network and extensions, and keep all settings as they are."""
    database.execute("SET temp_directory = ''")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
