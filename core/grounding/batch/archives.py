"""Read the images of an untrusted ZIP file, limited in number and size, under file names without folders."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from core.errors import InvalidInput
from core.knowledge.attachment import clean_name
from core.zip_files import UNREADABLE, lists_more_than, unpacked

MAX_IMAGES = 2_000
"""Most images in one batch."""
MAX_LISTED = 20_000
"""Most entries of its archive, with folders and hidden files."""
_HIDDEN = ("__MACOSX/", ".")
_ENCRYPTED = 0x1


def images_in(name: str, content: bytes, most_bytes: int, most_total: int) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of each file. most_bytes: limit for one file; most_total: limit for all files; both unpacked.

    A file that is too large, encrypted or damaged is yielded with empty content, so that it fails alone. Raises InvalidInput for an
    archive that is unreadable, empty or too large.
    """
    if lists_more_than(content, MAX_LISTED):
        raise InvalidInput("{name} lists more than {limit:,} files. Split it.", name=name, limit=MAX_LISTED)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        entries = [each for each in archive.infolist() if not each.is_dir() and not _is_hidden(each.filename)]
    except UNREADABLE as problem:
        words = "{name} is not a ZIP file, or is damaged. Make it again, or choose the images themselves."
        raise InvalidInput(words, name=name) from problem
    if not entries:
        raise InvalidInput("{name} holds no files.", name=name)
    if len(entries) > MAX_IMAGES:
        raise InvalidInput("A batch can have at most {limit} images; {name} holds {n}.", name=name, limit=MAX_IMAGES, n=len(entries))
    left = most_total
    with archive:
        for number, entry in enumerate(entries, 1):
            found = _read(archive, entry, most_bytes)
            left -= len(found)
            if left < 0:
                raise InvalidInput("{name} holds more than {limit} MB. Split it.", name=name, limit=most_total // 1_000_000)
            yield _name(entry.filename, number), found


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """Return the content; empty if it cannot be used. Never unpack more than `most` bytes, whatever size the entry claims."""
    if entry.flag_bits & _ENCRYPTED or entry.file_size > most:
        return b""
    try:
        return unpacked(archive, entry, most) or b""
    except UNREADABLE:
        return b""


def _name(path: str, number: int) -> str:
    try:
        return clean_name(path)
    except InvalidInput:
        return f"image {number}"


def _is_hidden(path: str) -> bool:
    return path.startswith(_HIDDEN[0]) or path.rpartition("/")[2].startswith(_HIDDEN[1])
