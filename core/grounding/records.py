"""Define boxes, stored images and runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import InvalidInput, StoredError
from core.images.records import PixelMapping

MAX_LABEL = 200
"""Most characters of a label."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright original, with x to the right and y down. The right and bottom edges are exclusive."""

    left: float
    top: float
    right: float
    bottom: float
    label: str = ""
    confidence: float | None = None
    """0 to 1; None if the model gives none."""
    phrase: int = 0
    """Index of the phrase that the box answers."""

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, self.edges)) or self.left >= self.right or self.top >= self.bottom:
            raise InvalidInput("A box needs four numbers: its left edge before its right one, its top above its bottom.")
        if len(self.label) > MAX_LABEL:
            raise InvalidInput("A label can have at most {limit} characters.", limit=MAX_LABEL)
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
    """Metadata of an uploaded image, which is stored upright, re-encoded and perhaps smaller than the uploaded file."""

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
        """Return the width of the upright original, which boxes refer to."""
        return self.mapping.upright_size[0]

    @property
    def height(self) -> int:
        return self.mapping.upright_size[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundRun:
    """The result of one model on one image. `boxes` are the model's; `corrected` are the person's, if they corrected them."""

    id: str
    image_id: str
    user_id: str
    session: str
    """A name by which the page or program groups runs made together; empty if there is none."""
    model: str
    model_version: str
    phrases: tuple[str, ...]
    boxes: tuple[Box, ...]
    created_at: datetime
    duration_s: float = 0.0
    cached: bool = False
    """Whether all boxes come from cached results."""
    error: StoredError | None = None
    corrected: tuple[Box, ...] | None = None
    comment: str = ""

    @property
    def shown(self) -> tuple[Box, ...]:
        """Return the current boxes."""
        return self.boxes if self.corrected is None else self.corrected


class ItemState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundBatch:
    """Many images with the same phrases, processed by a job."""

    id: str
    user_id: str
    name: str
    phrases: tuple[str, ...]
    model: str | None
    job_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One image of a batch. Once it is done, its stored image and its run have the same id."""

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
    """Counts of a batch's images by state."""

    total: int = 0
    done: int = 0
    failed: int = 0
    empty: int = 0
    """Images that are done and have no boxes."""
    boxes: int = 0
    seconds: float = 0.0
    """Total time of the models for the images that are done."""

    @property
    def waiting(self) -> int:
        return self.total - self.done - self.failed
