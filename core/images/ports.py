"""Declare the reader of images."""

from __future__ import annotations

from typing import Protocol

from core.images.records import DecodedImage
from core.knowledge.ports import OnQueuePosition


class ImageReader(Protocol):
    """Decodes and resizes images."""

    def recognizes(self, content: bytes) -> bool:
        """Tell whether this looks like a readable image."""
        ...

    def decode(self, name: str, content: bytes, person: str = "", on_queue_position: OnQueuePosition | None = None) -> DecodedImage:
        """Decode an untrusted image to upright RGB without metadata, at most MAX_STORED_PIXELS. `name` is used in error sentences.

        person: the owner; readers are shared fairly between people. on_queue_position: receives the queue position from time to time.

        Raises InvalidInput if it is no image, damaged or too large; Busy if no reader is free in time; Unavailable if none can start.
        """
        ...

    def fitted(self, image: DecodedImage, person: str = "") -> DecodedImage:
        """Resize a decoded image for a vision model (core.images.fitting). Raises Busy and Unavailable."""
        ...
