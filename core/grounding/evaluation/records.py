"""Define labelled images and the results of evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.grounding.records import Box


class ImageKind(StrEnum):
    """What is to be found. Results are kept for each, because a text detector cannot find shapes."""

    SHAPE = "shape"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An upright PNG with the boxes of each phrase; a phrase without boxes names something that is not there."""

    name: str
    kind: ImageKind
    content: bytes = field(repr=False)
    width: int
    height: int
    phrases: Mapping[str, tuple[Box, ...]]


@dataclass(frozen=True, slots=True)
class LabelledSet:
    version: str
    """Changes with the images and labels: results of different versions are not comparable."""
    images: tuple[LabelledImage, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of boxes. What was found counts as right if it shares at least half with a box that is there (IoU 0.5)."""

    right: int = 0
    wrong: int = 0
    """Found, but not there."""
    missed: int = 0
    """There, but not found."""

    def __add__(self, other: Score) -> Score:
        return Score(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float | None:
        """The share of the found boxes that are right; None if none was found."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        """The share of the boxes that were found; None if there are none."""
        return self.right / (self.right + self.missed) if self.right + self.missed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What one version of a model found on the labelled set. It has the id of its job."""

    id: str
    model: str
    model_version: str
    set_version: str
    shapes: Score
    texts: Score
    images: int
    seconds: float
    """What the model took for all images."""
    created_at: datetime

    @property
    def total(self) -> Score:
        return self.shapes + self.texts
