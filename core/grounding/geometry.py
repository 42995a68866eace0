"""Map boxes between what a model saw, the upright image that people see, and the pixels of the file.

A file may say in its EXIF orientation that it lies on its side. The portal stores and shows images upright. A model sees the upright image
resized, and gives boxes in thousandths of it or in its pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import InvalidInput

Edges = tuple[float, float, float, float]
"""Left, top, right, bottom."""
THOUSANDTHS = 1000
"""GLM-V's unit: a box is four whole numbers from 0 to 1000, whatever the image's size."""
_SIDEWAYS = (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Seen:
    """One image in its three sizes.

    width, height: of the upright image. seen_width, seen_height: as the model got it. orientation: EXIF's, 1 (upright) to 8.
    """

    width: int
    height: int
    seen_width: int
    seen_height: int
    orientation: int = 1

    def __post_init__(self) -> None:
        if min(self.width, self.height, self.seen_width, self.seen_height) < 1:
            raise InvalidInput("An image has at least one pixel each way.")
        if not 1 <= self.orientation <= 8:
            raise InvalidInput("{name} must be between {low} and {high}.", name="orientation", low=1, high=8)

    @property
    def file_size(self) -> tuple[int, int]:
        """Return width and height of the file's own pixels."""
        return (self.height, self.width) if self.orientation in _SIDEWAYS else (self.width, self.height)

    def from_thousandths(self, edges: Edges) -> Edges:
        """Map thousandths of the image to upright pixels."""
        return _scaled(edges, self.width / THOUSANDTHS, self.height / THOUSANDTHS)

    def to_thousandths(self, edges: Edges) -> Edges:
        return _scaled(edges, THOUSANDTHS / self.width, THOUSANDTHS / self.height)

    def from_seen(self, edges: Edges) -> Edges:
        """Map pixels of what the model saw to upright pixels."""
        return _scaled(edges, self.width / self.seen_width, self.height / self.seen_height)

    def to_seen(self, edges: Edges) -> Edges:
        return _scaled(edges, self.seen_width / self.width, self.seen_height / self.height)

    def to_file(self, edges: Edges) -> Edges:
        """Map upright pixels to those of the file, as programs read it that do not apply its orientation."""
        (x1, y1), (x2, y2) = self._file_point(edges[0], edges[1]), self._file_point(edges[2], edges[3])
        return _ordered(x1, y1, x2, y2)

    def from_file(self, edges: Edges) -> Edges:
        (x1, y1), (x2, y2) = self._upright_point(edges[0], edges[1]), self._upright_point(edges[2], edges[3])
        return _ordered(x1, y1, x2, y2)

    def _upright_point(self, x: float, y: float) -> tuple[float, float]:
        wide, high = self.width, self.height
        match self.orientation:
            case 2:
                return wide - x, y
            case 3:
                return wide - x, high - y
            case 4:
                return x, high - y
            case 5:
                return y, x
            case 6:
                return wide - y, x
            case 7:
                return wide - y, high - x
            case 8:
                return y, high - x
        return x, y

    def _file_point(self, x: float, y: float) -> tuple[float, float]:
        wide, high = self.width, self.height
        match self.orientation:
            case 2:
                return wide - x, y
            case 3:
                return wide - x, high - y
            case 4:
                return x, high - y
            case 5:
                return y, x
            case 6:
                return y, wide - x
            case 7:
                return high - y, wide - x
            case 8:
                return high - y, x
        return x, y


def _scaled(edges: Edges, across: float, down: float) -> Edges:
    return (edges[0] * across, edges[1] * down, edges[2] * across, edges[3] * down)


def _ordered(x1: float, y1: float, x2: float, y2: float) -> Edges:
    return (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
