"""Load CSV, TSV and the like."""

from __future__ import annotations

from pathlib import PurePosixPath

import duckdb

from core.knowledge.encodings import UTF_8, decoded, decoded_as
from data.table_files.formats.dialect import dialect_of
from data.table_files.formats.loaded import Loaded, in_memory, load_csv
from data.table_files.limits import MAX_COLUMNS
from data.table_files.names import column_names, table_name
from data.table_files.refusal import Refused


def load_delimited(database: duckdb.DuckDBPyConnection, name: str, content: bytes, encoding: str, taken: set[str]) -> Loaded:
    """Load a text with one table. Raises Refused."""
    found = decoded_as(content, encoding) if encoding else decoded(content)
    if found is None:
        raise Refused("encoding")
    dialect = dialect_of(found.text, PurePosixPath(name).suffix.lower())
    if dialect is None:
        raise Refused("no table")
    if dialect.width > MAX_COLUMNS:
        raise Refused("columns", n=dialect.width, limit=MAX_COLUMNS)
    marked = content.startswith(b"\xef\xbb\xbf")
    same = found.encoding == UTF_8 and "\ufffd" not in found.text and "\0" not in found.text
    raw = content[3 * marked :] if same else found.text.replace("\0", "").encode("utf-8", "replace")
    del found
    columns = column_names(dialect.header or [""] * dialect.width)
    table = table_name(name, "", taken)
    load_csv(database, in_memory(raw), table, columns, delimiter=dialect.delimiter, skip=dialect.skip)
    return Loaded(name=table, title="", columns=tuple(columns), typed=False, comma=dialect.delimiter != ",")
