"""Queries that try to reach outside their tables. A locked database refuses each of them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from data.table_files.database import lock, opened
from data.table_files.query import answer
from data.table_files.refusal import Refused

SECRET = "a secret of the server"


@pytest.fixture
def database() -> duckdb.DuckDBPyConnection:
    made = opened(1 << 30)
    made.execute("CREATE TABLE t AS SELECT 1 AS a")
    lock(made)
    return made


@pytest.fixture
def listener() -> Iterator[tuple[int, list[object]]]:
    """Yield a port, and who connected to it."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: _note(server, came), daemon=True).start()
        yield server.getsockname()[1], came


def _note(server: socket.socket, came: list[object]) -> None:
    try:
        while True:
            connection, address = server.accept()
            came.append(address)
            connection.close()
    except OSError:
        pass


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_blob('{file}')",
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM read_csv_auto('{file}')",
        "SELECT * FROM read_json('{file}')",
        "SELECT * FROM read_parquet('{file}')",
        "SELECT * FROM parquet_metadata('{file}')",
        "SELECT * FROM sniff_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM '/proc/self/environ'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM query('SELECT * FROM read_text(''{file}'')')",
        "SELECT * FROM query_table('{file}')",
        "SELECT (SELECT content FROM read_text('{file}'))",
        "SELECT * FROM read_csv('http://127.0.0.1:{port}/x.csv')",
        "SELECT * FROM 'http://127.0.0.1:{port}/x.parquet'",
        "SELECT * FROM read_parquet('s3://bucket/x')",
        "SELECT * FROM sqlite_scan('{file}', 't')",
        "SELECT * FROM postgres_scan('host=127.0.0.1 port={port}', 'public', 't')",
        "SELECT * FROM secret_rows",
        "SELECT getenv('PATH')",
        "COPY t TO '{folder}/out.csv'",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "EXPORT DATABASE '{folder}'",
        "ATTACH '{folder}/new.db'",
        "ATTACH '{file}' AS other (TYPE sqlite)",
        "DETACH memory",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "RESET lock_configuration",
        "PRAGMA enable_profiling",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "CREATE TABLE x AS SELECT 1",
        "CREATE MACRO f() AS 1",
        "CREATE SECRET s (TYPE s3)",
        "DROP TABLE t",
        "DELETE FROM t",
        "UPDATE t SET a = 2",
        "INSERT INTO t VALUES (2)",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE t",
        "SELECT 1) ; DROP TABLE t; SELECT (1",
        "WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x",
        "CHECKPOINT",
        "VACUUM",
        "EXPLAIN ANALYZE SELECT 1",
        "PREPARE p AS SELECT 1",
        "",
        "-- nothing",
        "SELEKT 1",
        "\0",
        "SELECT " + "(" * 3_000 + "1" + ")" * 3_000,
    ],
    ids=lambda sql: " ".join(sql.split()[:4])[:40] or "empty",
)  # fmt: skip
def test_a_query_reaches_nothing_but_its_tables(
    database: duckdb.DuckDBPyConnection, listener: tuple[int, list[object]], tmp_path: Path, sql: str
) -> None:
    secret_rows = [(SECRET,)]  # A name that a replacement scan would find in this frame.
    (tmp_path / "secret.csv").write_text(f"a,b\n1,{secret_rows[0][0]}\n")
    port, came = listener
    sql = sql.replace("{file}", str(tmp_path / "secret.csv")).replace("{folder}", str(tmp_path)).replace("{port}", str(port))
    with pytest.raises(Refused):
        answer(database, sql, 10)
    assert [each.name for each in tmp_path.iterdir()] == ["secret.csv"] and came == []
    assert answer(database, "SELECT a FROM t", 10)["rows"] == [[1]]
    assert database.execute("SELECT current_setting('enable_external_access'), current_setting('lock_configuration')").fetchone() == (
        False, True,
    )  # fmt: skip


def test_a_cell_and_a_result_have_limits(database: duckdb.DuckDBPyConnection) -> None:
    [[cell]] = answer(database, "SELECT repeat('x', 100000)", 10)["rows"]
    assert len(cell) == 2_000
    found = answer(database, "SELECT repeat('x', 2000) FROM range(10000)", 10_000)
    assert found["more"] and len(found["rows"]) < 3_000


def test_values_of_all_kinds_can_be_shown(database: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT 0.1 + 0.2, 1e400::DOUBLE, 'nan'::DOUBLE, 9007199254740993, [1, 2], {'a': 1}, '\\x00'::BLOB, DATE '2024-02-29', NULL, true"
    found = answer(database, sql.replace("1e400::DOUBLE", "'inf'::DOUBLE"), 10)
    [row] = found["rows"]
    assert row == [0.3, "inf", "nan", "9007199254740993", "[1, 2]", '{"a": 1}', "00", "2024-02-29", None, True]
