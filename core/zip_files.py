"""Read entries of untrusted ZIP files."""

from __future__ import annotations

import lzma
import zipfile
import zlib

UNREADABLE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, OverflowError, RuntimeError,
)  # fmt: skip
"""Errors that zipfile raises for a file that is damaged, encrypted, or compressed with an unknown method (a NotImplementedError, which
is a RuntimeError)."""


def unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes | None:
    """Return the content of an entry; None if it has more than `most` bytes, whatever size it claims. Raises the UNREADABLE errors."""
    with archive.open(entry) as file:
        content = file.read(most + 1)
    return content if len(content) <= most else None
