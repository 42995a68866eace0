"""Decode images for a person. Nothing is stored."""

from __future__ import annotations

from core.errors import InvalidInput
from core.images.formats import readable_format
from core.images.ports import ImageReader
from core.images.records import DecodedImage
from core.knowledge.attachment import clean_name
from core.knowledge.ports import OnQueuePosition
from core.people.permissions import Permission, require
from core.people.records import User

MB = 1_000_000


class Images:
    """Decodes untrusted images safely, and resizes them for a vision model."""

    def __init__(self, reader: ImageReader, max_bytes: int) -> None:
        """max_bytes: the most bytes of one image as sent."""
        self._reader = reader
        self.max_bytes = max_bytes

    def decode(self, user: User, name: str, content: bytes, on_queue_position: OnQueuePosition | None = None) -> DecodedImage:
        """Decode an image that this person sent. Raises NotAllowed, InvalidInput, and Busy and Unavailable as the reader does."""
        require(user, Permission.CHAT)
        require(user, Permission.UPLOAD)
        name = clean_name(name)
        if len(content) > self.max_bytes:
            sentence = "{name} has {size} MB; the limit for one image is {limit} MB."
            raise InvalidInput(sentence, name=name, size=_mb(len(content)), limit=_mb(self.max_bytes))
        readable_format(name, content)
        return self._reader.decode(name, content, user.id, on_queue_position)

    def fitted(self, user: User, image: DecodedImage) -> DecodedImage:
        """Resize a decoded image for a vision model. Raises Busy and Unavailable."""
        return self._reader.fitted(image, user.id)


def _mb(size: int) -> str:
    return f"{size / MB:.1f}".removesuffix(".0")
