"""Measure how well a model finds boxes: precision and recall at an overlap of one half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.grounding.boxes import overlap
from core.grounding.records import Box

ENOUGH = 0.5
"""Intersection over union from which a box counts as found."""


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over all images of a set."""

    right: int = 0
    """Boxes that lie on a labelled one."""
    found: int = 0
    labelled: int = 0
    images: int = 0
    failed: int = 0
    """Images on which the model failed; their labelled boxes count as missed."""

    @property
    def precision(self) -> float | None:
        """Return the part of the found boxes that is right; None if none was found."""
        return self.right / self.found if self.found else None

    @property
    def recall(self) -> float | None:
        """Return the part of the labelled boxes that was found; None if there is none."""
        return self.right / self.labelled if self.labelled else None

    def __add__(self, other: Score) -> Score:
        return Score(
            self.right + other.right,
            self.found + other.found,
            self.labelled + other.labelled,
            self.images + other.images,
            self.failed + other.failed,
        )


def scored(found: Sequence[Box], labelled: Sequence[Box]) -> Score:
    """Compare the boxes of one image and phrase. Each labelled box counts once; of two boxes on it, the second is wrong."""
    free = list(labelled)
    right = 0
    for box in sorted(found, key=lambda each: -(each.confidence or 0.0)):
        best = max(free, key=lambda each: overlap(box, each), default=None)
        if best is not None and overlap(box, best) >= ENOUGH:
            free.remove(best)
            right += 1
    return Score(right, len(found), len(labelled), 1)
