"""Define labelled images and the results of evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.grounding.records import Box


class ImageKind(StrEnum):
    """Kinds of objects to find. Scores are kept per kind, because a text detector cannot find shapes."""

    SHAPE = "shape"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An upright PNG with the boxes of each phrase. A phrase without boxes names something absent from the image."""

    name: str
    kind: ImageKind
    content: bytes = field(repr=False)
    width: int
    height: int
    phrases: Mapping[str, tuple[Box, ...]]


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """The labelled images of one version."""

    version: str
    """Changes with the images and labels. Results of different versions are not comparable."""
    images: tuple[LabelledImage, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of boxes. A found box counts as right if it overlaps a labelled box with an IoU of at least 0.5."""

    right: int = 0
    wrong: int = 0
    """Boxes found but not labelled."""
    missed: int = 0
    """Boxes labelled but not found."""

    def __add__(self, other: Score) -> Score:
        return Score(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float | None:
        """Return the share of found boxes that are right; None if no box was found."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        """Return the share of labelled boxes that were found; None if there are none."""
        return self.right / (self.right + self.missed) if self.right + self.missed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The result of one model version on the labelled set. Its id is that of its job."""

    id: str
    model: str
    model_version: str
    set_version: str
    shapes: Score
    texts: Score
    images: int
    seconds: float
    """Total time of the model for all images."""
    created_at: datetime

    @property
    def total(self) -> Score:
        return self.shapes + self.texts
