"""Read the images of messages for a file to keep, within a bound."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from core.images.formats import format_of
from core.images.records import ImageFormat
from core.knowledge.records import StoredFile

MOST_BYTES = 50_000_000
"""Of all images in one export; those beyond it are only named."""
_TYPES = {ImageFormat.PNG: "image/png", ImageFormat.JPEG: "image/jpeg"}
"""Stored images are encoded anew as one of these."""


class MessageImages:
    def __init__(self, read: Callable[[str], bytes], most_bytes: int = MOST_BYTES) -> None:
        """read: returns the content of a file by its id; empty if it was deleted."""
        self._read = read
        self._left = most_bytes

    def content(self, file: StoredFile) -> bytes | None:
        """Return an image; None for another file, a deleted one, and what is beyond the bound."""
        if not file.is_image or file.size_bytes > self._left:
            return None
        content = self._read(file.id)
        if format_of(content) not in _TYPES or len(content) > self._left:
            return None
        self._left -= len(content)
        return content

    def data_uri(self, file: StoredFile) -> str | None:
        """Return an image as a data URI; None as `content`."""
        content = self.content(file)
        found = format_of(content) if content is not None else None
        return f"data:{_TYPES[found]};base64,{b64encode(content).decode()}" if content is not None and found is not None else None
