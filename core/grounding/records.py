"""Define boxes, stored images and runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import InvalidInput, StoredError
from core.images.records import PixelMapping

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


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundImage:
    """An uploaded image, without its content: upright, encoded anew, perhaps smaller than the file that was uploaded."""

    id: str
    user_id: str
    name: str
    media_type: str
    sha256: str
    size_bytes: int
    mapping: PixelMapping
    created_at: datetime
    batch_id: str | None = None

    @property
    def width(self) -> int:
        """Of the original as people see it, which the boxes refer to."""
        return self.mapping.upright_size[0]

    @property
    def height(self) -> int:
        return self.mapping.upright_size[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundRun:
    """What one model found on one image. `boxes` are as the model gave them; `corrected` as the person left them, if they did."""

    id: str
    image_id: str
    user_id: str
    session: str
    """What the person did in one go, as the page or program names it; empty: nothing was said."""
    model: str
    model_version: str
    phrases: tuple[str, ...]
    boxes: tuple[Box, ...]
    created_at: datetime
    duration_s: float = 0.0
    cached: bool = False
    """Whether all boxes are those of an earlier run."""
    error: StoredError | None = None
    corrected: tuple[Box, ...] | None = None
    comment: str = ""

    @property
    def shown(self) -> tuple[Box, ...]:
        """Return the boxes as they are now."""
        return self.boxes if self.corrected is None else self.corrected


class ItemState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundBatch:
    """Many images with the same phrases, worked through by a job."""

    id: str
    user_id: str
    name: str
    phrases: tuple[str, ...]
    model: str | None
    job_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One image of a batch. Once it is done, its image and its run have its id."""

    id: str
    batch_id: str
    position: int
    name: str
    state: ItemState = ItemState.WAITING
    error: StoredError | None = None
    boxes: int = 0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class BatchCounts:
    total: int = 0
    done: int = 0
    failed: int = 0
    empty: int = 0
    """Done, and nothing was found."""
    boxes: int = 0
    seconds: float = 0.0
    """What the models took for those that are done."""

    @property
    def waiting(self) -> int:
        return self.total - self.done - self.failed
