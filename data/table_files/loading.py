"""Load the tables of a file into the database."""

from __future__ import annotations

import duckdb

from data.table_files.formats.delimited import load_delimited
from data.table_files.formats.loaded import Loaded
from data.table_files.formats.parquet import load_parquet
from data.table_files.formats.sheets import load_workbook
from data.table_files.kinds import FileKind, kind_of_file


def load_file(database: duckdb.DuckDBPyConnection, name: str, content: bytes, encoding: str, taken: set[str]) -> list[Loaded]:
    """Load each table of a file. encoding: of a text. taken: names of tables; those of this file are added. Raises Refused."""
    match kind_of_file(name, content):
        case FileKind.PARQUET:
            return [load_parquet(database, name, content, taken)]
        case FileKind.WORKBOOK:
            return load_workbook(database, name, content, taken)
        case _:
            return [load_delimited(database, name, content, encoding, taken)]
