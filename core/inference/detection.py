"""What core and the models say to each other about detectors: an image and phrases in, boxes in the image's pixels out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from core.errors import StoredError
from core.inference.records import Routing, Timings
from core.models.records import ModelKind


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionRequest:
    """image: a PNG or JPEG file. model: a detector, or one on a platform, as in ocr@detectors."""

    image: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    phrases: tuple[str, ...]
    user_id: str
    model: str
    group: str = ""
    barred: frozenset[str] = frozenset()
    batch: bool = False
    """Nobody watches: requests that somebody waits for go first."""


@dataclass(frozen=True, slots=True)
class DetectedBox:
    """edges: left, top, right, bottom in pixels, as the detector sent them. phrase: the number of the phrase, from 0."""

    edges: tuple[float, float, float, float]
    phrase: int
    label: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Detected:
    boxes: tuple[DetectedBox, ...]
    timings: Timings


class RunningDetection(Protocol):
    @property
    def model(self) -> str: ...
    @property
    def model_version(self) -> str: ...
    @property
    def platform(self) -> str: ...
    @property
    def routing(self) -> Routing | None: ...
    def result(self) -> Detected:
        """Block until the boxes are there. Raises Busy, ModelFailed, Unavailable, InvalidInput (the detector refuses the image)."""
        ...


@dataclass(frozen=True, slots=True)
class Grounder:
    """Something that can find boxes now. name: what a request says, with its platform where that is needed."""

    name: str
    kind: ModelKind
    """DETECTION, or CHAT for a model that sees images."""
    version: str
    here: bool = False
    """Whether it runs in the portal, whose engine can hold an answer to a grammar."""


@dataclass(frozen=True, slots=True)
class Grounders:
    """Who may take a request, in order, and why others do not."""

    usable: tuple[Grounder, ...] = ()
    left_out: tuple[StoredError, ...] = ()
    known: bool = False
    """Whether anything has the model that was asked for."""


class Detectors(Protocol):
    """Finds who can find boxes."""

    def grounders(self, model: str | None, group: str, barred: frozenset[str]) -> Grounders:
        """Return who may answer, first the model of the route `ground`. model: only this one."""
        ...

    def detect(self, request: DetectionRequest) -> RunningDetection:
        """Prepare a detection; it is asked for by result(). Raises NotFound."""
        ...
