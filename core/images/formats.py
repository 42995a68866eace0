"""Recognize images by their content, not by their file name."""

from __future__ import annotations

import codecs
import re

from core.errors import InvalidInput
from core.images.records import ImageFormat

NOT_AN_IMAGE = "{name} is not an image. Choose a PNG, JPEG, WebP, GIF or HEIC file."
SVG = "{name} is an SVG drawing, which can contain programs. Save it as PNG and choose that file."
OTHER_IMAGE = "{name} is in an image format that cannot be read. Save it as PNG or JPEG and choose that file."
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
_OTHERS = (
    b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"8BPS", b"\0\0\1\0", b"\xff\x0a",
    b"\0\0\0\x0cJXL ", b"\0\0\0\x0cjP  ", b"DDS ", b"qoif",
)  # fmt: skip
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG's frame header, which contains its size."""
_SVG = re.compile(rb"<(?:\w+:)?svg[\s>]", re.IGNORECASE)


def format_of(content: bytes) -> ImageFormat | None:
    """Return the format of an image; None if the content is no image, or of an unsupported format."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageFormat.PNG
    if content.startswith(b"\xff\xd8\xff"):
        return ImageFormat.JPEG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ImageFormat.WEBP
    if content.startswith((b"GIF87a", b"GIF89a")):
        return ImageFormat.GIF
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        return ImageFormat.HEIC
    return None


def readable_format(name: str, content: bytes) -> ImageFormat:
    """Return the format of a readable image. Raises InvalidInput for everything else."""
    if found := format_of(content):
        return found
    start = content[:4096].removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"<") and _SVG.search(start):
        raise InvalidInput(SVG, name=name)
    known = content.startswith(_OTHERS) or content[4:12] in (b"ftypavif", b"ftypavis")
    raise InvalidInput(OTHER_IMAGE if known else NOT_AN_IMAGE, name=name)


def pixel_size(content: bytes) -> tuple[int, int] | None:
    """Return the width and height of a PNG or JPEG from its header; None for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    if not content.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        kind, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if kind in _FRAMES:
            return int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
        at += 2 + length
    return None
