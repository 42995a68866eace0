"""Define stored images, runs and corrections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.errors import StoredError
from core.grounding.boxes import Box
from core.images.records import PixelMapping


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
