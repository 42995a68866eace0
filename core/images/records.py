"""Define decoded images and how their pixels map to those of the original."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class ImageFormat(StrEnum):
    """The supported image formats."""

    PNG = "PNG"
    JPEG = "JPEG"
    WEBP = "WEBP"
    GIF = "GIF"
    HEIC = "HEIF"


@dataclass(frozen=True, slots=True)
class PixelMapping:
    """Maps positions in a decoded image to the original file and back.

    A position is in pixels from the top left corner; the right edge of an image is at x = width. The original is the image as stored in
    the file, before its orientation is applied. The upright original is the image as people see it.
    """

    source_width: int
    source_height: int
    orientation: int
    """EXIF orientation: 1 upright, 3 rotated by 180 degrees, 6 and 8 by 90; 2, 4, 5 and 7 are mirrored."""
    width: int
    height: int
    """The height of the decoded image, which is upright."""

    def __post_init__(self) -> None:
        if min(self.source_width, self.source_height, self.width, self.height) < 1:
            raise ValueError("an image has at least one pixel")
        if self.orientation not in range(1, 9):
            raise ValueError("an orientation is 1 to 8")

    @property
    def upright_size(self) -> tuple[int, int]:
        """Return the size of the original as people see it."""
        turned = self.orientation >= 5
        return (self.source_height, self.source_width) if turned else (self.source_width, self.source_height)

    def resized(self, width: int, height: int) -> PixelMapping:
        """Return the mapping of the same image at another size."""
        return replace(self, width=width, height=height)

    def to_upright(self, x: float, y: float) -> tuple[float, float]:
        """Map a position in the decoded image to the upright original."""
        width, height = self.upright_size
        return x * width / self.width, y * height / self.height

    def from_upright(self, x: float, y: float) -> tuple[float, float]:
        """Map a position in the upright original to the decoded image."""
        width, height = self.upright_size
        return x * self.width / width, y * self.height / height

    def to_source(self, x: float, y: float) -> tuple[float, float]:
        """Map a position in the decoded image to the stored pixels of the file."""
        x, y = self.to_upright(x, y)
        w, h = self.source_width, self.source_height
        return {
            1: (x, y), 2: (w - x, y), 3: (w - x, h - y), 4: (x, h - y),
            5: (y, x), 6: (y, h - x), 7: (w - y, h - x), 8: (w - y, x),
        }[self.orientation]  # fmt: skip

    def from_source(self, x: float, y: float) -> tuple[float, float]:
        """Map a position in the stored pixels of the file to the decoded image."""
        w, h = self.source_width, self.source_height
        upright = {
            1: (x, y), 2: (w - x, y), 3: (w - x, h - y), 4: (x, h - y),
            5: (y, x), 6: (h - y, x), 7: (h - y, w - x), 8: (y, w - x),
        }[self.orientation]  # fmt: skip
        return self.from_upright(*upright)


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An upright, re-encoded RGB image. It contains only the original's pixels and no metadata."""

    content: bytes
    media_type: str
    """image/png or image/jpeg."""
    sha256: str
    """SHA-256 of the content, in hex. The same file always gives the same hash."""
    mapping: PixelMapping

    @property
    def width(self) -> int:
        return self.mapping.width

    @property
    def height(self) -> int:
        return self.mapping.height
