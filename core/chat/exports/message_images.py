"""Read the images of messages for an export, up to a total size."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from core.images.formats import format_of
from core.images.records import ImageFormat
from core.knowledge.records import StoredFile

MAX_BYTES = 50_000_000
"""Most bytes of all images in one export. Further images are only named."""
_TYPES = {ImageFormat.PNG: "image/png", ImageFormat.JPEG: "image/jpeg"}
"""Media types of stored images, which are always re-encoded in one of these formats."""


class MessageImages:
    """Reads the images of messages, up to a total size."""

    def __init__(self, read: Callable[[str], bytes], most_bytes: int = MAX_BYTES) -> None:
        """read: returns the content of a file by its id, or empty bytes if it was deleted."""
        self._read = read
        self._left = most_bytes

    def content(self, file: StoredFile) -> bytes | None:
        """Return the bytes of an image; None for any other file, for a deleted one, and above the total size."""
        if not file.is_image or file.size_bytes > self._left:
            return None
        content = self._read(file.id)
        if format_of(content) not in _TYPES or len(content) > self._left:
            return None
        self._left -= len(content)
        return content

    def data_uri(self, file: StoredFile) -> str | None:
        """Return an image as a data URI; None where `content` returns None."""
        content = self.content(file)
        found = format_of(content) if content is not None else None
        return f"data:{_TYPES[found]};base64,{b64encode(content).decode()}" if content is not None and found is not None else None
