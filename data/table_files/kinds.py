"""Recognize files with tables."""

from __future__ import annotations

from enum import StrEnum

from core.knowledge.tables.records import TABLE_ENDINGS

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class FileKind(StrEnum):
    TEXT = "text"
    WORKBOOK = "workbook"
    PARQUET = "parquet"


def kind_of_file(name: str, content: bytes) -> FileKind | None:
    """Return the kind by the content; for text by the name. None for other files."""
    ending = name.lower()
    if content.startswith(b"PAR1") or (content.startswith(b"PARE") and ending.endswith(".parquet")):
        return FileKind.PARQUET
    if content.startswith(b"PK") and (b"xl/workbook" in content or b"opendocument.spreadsheet" in content[:200]):
        return FileKind.WORKBOOK
    if content.startswith(_OLE) and ending.endswith((".xls", ".xlsx", ".xlsm", ".xlsb")):
        return FileKind.WORKBOOK
    if ending.endswith((".parquet", ".pq")):
        return FileKind.PARQUET
    return FileKind.TEXT if ending.endswith(TABLE_ENDINGS) else None
