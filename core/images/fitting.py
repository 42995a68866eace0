"""Compute the size at which a vision model reads an image.

GLM-V reads 8 to 4096 squares of 28 x 28 pixels, one token each. The model's own code pads images of other sizes, which shifts
positions by up to half a square. So images are resized to multiples of 28 first.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, sqrt

from core.errors import InvalidInput
from core.images.formats import pixel_size

MARKS = 2
"""Number of tokens that mark the start and end of an image in a prompt."""
MAX_RATIO = 100
"""Largest ratio of the longer to the shorter side of an image."""


@dataclass(frozen=True, slots=True)
class Patches:
    """The squares of `side` pixels that a model reads, one token each."""

    side: int = 28
    least: int = 8
    most: int = 4096

    def __post_init__(self) -> None:
        if not (self.side >= 1 and 1 <= self.least <= self.most):
            raise ValueError("patches have a positive side, and at least one fits")


GLM_V = Patches()


def fitted_size(width: int, height: int, patches: Patches = GLM_V) -> tuple[int, int]:
    """Return the nearest size in whole patches, with about the same shape and within the model's limits.

    Raises InvalidInput for an image that is too narrow.
    """
    check_ratio("The image", width, height)
    side = patches.side
    columns, rows = max(1, round(width / side)), max(1, round(height / side))
    if columns * rows > patches.most:
        scale = sqrt(width * height / (patches.most * side * side))
        columns, rows = max(1, floor(width / scale / side)), max(1, floor(height / scale / side))
        columns, rows = min(columns, patches.most // rows), min(rows, patches.most)
    elif columns * rows < patches.least:
        scale = sqrt(patches.least * side * side / (width * height))
        columns, rows = ceil(width * scale / side), ceil(height * scale / side)
    return columns * side, rows * side


def tokens_of(width: int, height: int, patches: Patches = GLM_V) -> int:
    """Return how many tokens an image of this size takes."""
    fitted = fitted_size(width, height, patches)
    return fitted[0] // patches.side * (fitted[1] // patches.side)


def check_ratio(name: str, width: int, height: int) -> None:
    """Raise InvalidInput for an image too narrow for a model to see anything in it."""
    if max(width, height) > MAX_RATIO * min(width, height):
        raise InvalidInput("{name} is too narrow: one side is more than {ratio} times the other.", name=name, ratio=MAX_RATIO)


def prompt_tokens_of(content: bytes) -> int:
    """Return how many tokens of a prompt a stored image takes, including its two marks; 0 if its size is unknown."""
    size = pixel_size(content)
    try:
        return tokens_of(*size) + MARKS if size is not None and min(size) > 0 else 0
    except InvalidInput:
        return 0
