"""Declare the repositories of grounding, and the drawer of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.errors import StoredError
from core.grounding.records import BatchCounts, BatchItem, Box, GroundBatch, GroundImage, GroundRun, ItemState
from core.images.records import DecodedImage


class GroundingRepository(Protocol):
    """Stores images, runs, cached results and corrections."""

    def add_image(self, image: GroundImage, content: bytes) -> None: ...
    def image(self, image_id: str) -> GroundImage | None: ...
    def content(self, image_id: str) -> bytes:
        """Return the content; empty if the image no longer exists."""
        ...

    def image_with_hash(self, user_id: str, sha256: str) -> GroundImage | None:
        """Return the person's newest image with this content that is not part of a batch."""
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
        """Return a person's runs, newest first, without those of batches. before: id of the last run read."""
        ...

    def put_correction(self, run: GroundRun, at: datetime) -> None:
        """Store `corrected` and `comment` of a run, replacing an earlier correction."""
        ...

    def results(self, keys: Sequence[str]) -> dict[str, tuple[Box, ...]]:
        """Return the cached results of these keys."""
        ...

    def put_result(self, key: str, boxes: Sequence[Box], at: datetime) -> None: ...
    def forget_results(self, before: datetime) -> int: ...


class GroundBatchRepository(Protocol):
    """Stores batches, their images as sent, and the outcome of each image."""

    def add(self, batch: GroundBatch) -> None: ...
    def add_item(self, item: BatchItem, content: bytes) -> None: ...
    def get(self, batch_id: str) -> GroundBatch | None: ...
    def of_user(self, user_id: str, limit: int) -> Sequence[GroundBatch]:
        """Return a person's batches, newest first."""
        ...

    def counts(self, batch_id: str) -> BatchCounts: ...
    def items(self, batch_id: str, state: ItemState | None, limit: int, offset: int, *, empty: bool = False) -> Sequence[BatchItem]:
        """List images in order. empty: only those that are done and have no boxes."""
        ...

    def waiting(self, batch_id: str, limit: int) -> Sequence[BatchItem]: ...
    def content(self, item_id: str) -> bytes:
        """Return the image as sent; empty if it could not be read, or is gone."""
        ...

    def finish(self, item_id: str, boxes: int, duration_s: float) -> bool:
        """Mark a waiting image as done and delete its original. Returns False if it is not waiting because another server was faster."""
        ...

    def fail(self, item_id: str, error: StoredError) -> None:
        """Mark a waiting image as failed. Its original is kept for a retry."""
        ...

    def reset_failed(self, batch_id: str) -> None: ...
    def set_job(self, batch_id: str, job_id: str) -> None: ...
    def runs(self, batch_id: str, limit: int) -> Sequence[tuple[GroundRun, GroundImage]]: ...
    def remove(self, batch_id: str) -> None:
        """Delete a batch with its images and their runs."""
        ...


class BoxDrawer(Protocol):
    """Draws boxes on images."""

    def drawn(self, image: DecodedImage, boxes: Sequence[Box], person: str = "") -> DecodedImage:
        """Return the image with boxes and labels drawn on it.

        boxes: in pixels of the decoded image; only the first 200 are drawn. Raises Busy, Unavailable.
        """
        ...
