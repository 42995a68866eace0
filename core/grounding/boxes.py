"""Define a box on an image."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.errors import InvalidInput

MOST_LABEL = 200
"""Characters of a label."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright original; x grows to the right, y downwards. The right and bottom edges are not part of it."""

    left: float
    top: float
    right: float
    bottom: float
    label: str = ""
    confidence: float | None = None
    """0 to 1; None where the model gives none."""
    phrase: int = 0
    """Which of the run's phrases it answers."""

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, self.edges)) or self.left >= self.right or self.top >= self.bottom:
            raise InvalidInput("A box needs four numbers: its left edge before its right one, its top above its bottom.")
        if len(self.label) > MOST_LABEL:
            raise InvalidInput("A label can have at most {limit} characters.", limit=MOST_LABEL)
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise InvalidInput("{name} must be between {low} and {high}.", name="confidence", low=0, high=1)

    @property
    def edges(self) -> tuple[float, float, float, float]:
        return (self.left, self.top, self.right, self.bottom)

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        return self.width * self.height


def clipped(
    edges: tuple[float, float, float, float], width: int, height: int, *, label: str = "", confidence: float | None = None, phrase: int = 0
) -> Box | None:
    """Order the edges and cut them at the image. Returns None for what is not a box or lies outside."""
    if not all(map(math.isfinite, edges)):
        return None
    left, right = sorted((edges[0], edges[2]))
    top, bottom = sorted((edges[1], edges[3]))
    left, right = max(0.0, left), min(float(width), right)
    top, bottom = max(0.0, top), min(float(height), bottom)
    if right - left <= 0 or bottom - top <= 0:
        return None
    return Box(left, top, right, bottom, label[:MOST_LABEL], confidence, phrase)


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes, 0 to 1."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one.area + other.area - shared)
