"""People decode images within their rights and limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import InvalidInput, NotAllowed
from core.images.images import Images
from core.images.records import DecodedImage, PixelMapping
from core.knowledge.ports import OnQueuePosition
from core.people.permissions import Permission
from core.people.records import User

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


class Reader:
    """Notes what it was asked to decode."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def recognizes(self, content: bytes) -> bool:
        return content.startswith(PNG[:8])

    def decode(self, name: str, content: bytes, person: str = "", on_queue_position: OnQueuePosition | None = None) -> DecodedImage:
        self.seen.append((name, person))
        mapping = PixelMapping(source_width=1, source_height=1, orientation=1, width=1, height=1)
        return DecodedImage(content=content, media_type="image/png", sha256="0", mapping=mapping)

    def fitted(self, image: DecodedImage, person: str = "") -> DecodedImage:
        return image


def test_an_image_is_decoded_for_its_owner_under_a_clean_name(ana: User) -> None:
    reader = Reader()
    assert Images(reader, 100).decode(ana, "../a\nb.png", PNG).content == PNG
    assert reader.seen == [("a b.png", ana.id)]


def test_what_is_no_image_or_too_large_never_reaches_a_decoder(ana: User) -> None:
    reader = Reader()
    with pytest.raises(InvalidInput, match="limit for one image"):
        Images(reader, 10).decode(ana, "a.png", PNG)
    with pytest.raises(InvalidInput, match="SVG"):
        Images(reader, 100).decode(ana, "a.png", b"<svg></svg>")
    assert reader.seen == []


def test_nobody_decodes_images_without_the_right_to_upload(ana: User) -> None:
    with pytest.raises(NotAllowed):
        Images(Reader(), 100).decode(replace(ana, withheld=frozenset({Permission.UPLOAD})), "a.png", PNG)
