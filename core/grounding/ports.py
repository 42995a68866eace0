"""Declare the repository of grounding, and what draws boxes on an image."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.grounding.records import Box, GroundImage, GroundRun
from core.images.records import DecodedImage


class GroundingRepository(Protocol):
    """Stores images, runs, results that can be used again, and corrections."""

    def add_image(self, image: GroundImage, content: bytes) -> None: ...
    def image(self, image_id: str) -> GroundImage | None: ...
    def content(self, image_id: str) -> bytes:
        """Return the content; empty if the image no longer exists."""
        ...

    def image_with_hash(self, user_id: str, sha256: str) -> GroundImage | None:
        """Return the person's newest image with this content that no batch holds."""
        ...

    def count_images(self, user_id: str) -> int: ...
    def remove_image(self, image_id: str) -> None:
        """Delete an image with its runs and corrections."""
        ...

    def add_run(self, run: GroundRun) -> None: ...
    def run(self, run_id: str) -> GroundRun | None: ...
    def runs_of_image(self, image_id: str) -> Sequence[GroundRun]:
        """Return the runs on an image, oldest first."""
        ...

    def runs_of_user(self, user_id: str, limit: int, before: str | None = None) -> Sequence[tuple[GroundRun, GroundImage]]:
        """Return a person's runs, newest first, without those of batches. before: the id of the last one read."""
        ...

    def put_correction(self, run: GroundRun, at: datetime) -> None:
        """Store `corrected` and `comment` of a run; an earlier correction is replaced."""
        ...

    def results(self, keys: Sequence[str]) -> dict[str, tuple[Box, ...]]:
        """Return the kept results of these keys."""
        ...

    def put_result(self, key: str, boxes: Sequence[Box], at: datetime) -> None: ...
    def forget_results(self, before: datetime) -> int: ...


class BoxDrawer(Protocol):
    def drawn(self, image: DecodedImage, boxes: Sequence[Box], person: str = "") -> DecodedImage:
        """Return the image with boxes and labels drawn on it.

        boxes: in the decoded image's own pixels; those beyond the first 200 are left out. Raises Busy, Unavailable.
        """
        ...
