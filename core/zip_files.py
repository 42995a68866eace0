"""Read entries of untrusted ZIP files."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib

UNREADABLE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, OverflowError, RuntimeError,
)  # fmt: skip
"""Errors that zipfile raises for a file that is damaged, encrypted or compressed with an unknown method, which is a
RuntimeError."""
_END, _END_64, _LOCATOR_64 = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_END_BYTES, _END_64_BYTES, _LOCATOR_BYTES, _MAX_COMMENT = 22, 56, 20, 1 << 16
_BYTES_PER_ENTRY = 300
"""Bytes that an entry takes in the list of a usual archive: 46, and the name, its folders and the times."""


def lists_more_than(content: bytes, entries: int) -> bool:
    """Tell whether an archive's list is too long for this many entries. zipfile reads the whole list at once, an object per entry."""
    end = content.rfind(_END, max(0, len(content) - _END_BYTES - _MAX_COMMENT))
    if end < 0 or len(content) < end + _END_BYTES:
        return False
    size: int = struct.unpack_from("<L", content, end + 12)[0]
    record = end - _LOCATOR_BYTES - _END_64_BYTES
    if record >= 0 and content[end - _LOCATOR_BYTES :].startswith(_LOCATOR_64) and content[record:].startswith(_END_64):
        size = max(size if size != 0xFFFFFFFF else 0, struct.unpack_from("<Q", content, record + 40)[0])
    return size > entries * _BYTES_PER_ENTRY


def unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes | None:
    """Return the content of an entry; None if it has more than `most` bytes, whatever size it claims. Raises the UNREADABLE errors."""
    if entry.file_size > most:
        return None
    with archive.open(entry) as file:
        content = file.read(most + 1)
    return content if len(content) <= most else None
