"""Define requests to detectors and their results: an image and phrases in, boxes in the image's pixels out."""

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
    denied_models: frozenset[str] = frozenset()
    batch: bool = False
    """Whether nobody watches: requests that someone waits for go first."""


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
        """Block until the boxes are found. Raises Busy, ModelFailed, Unavailable, InvalidInput (the detector refuses the image)."""
        ...


@dataclass(frozen=True, slots=True)
class Grounder:
    """A model that can find boxes now. name: for requests, with its platform where that is needed."""

    name: str
    kind: ModelKind
    """DETECTION, or CHAT for a model that sees images."""
    version: str
    here: bool = False
    """Whether it runs in the portal, whose engine can hold an answer to a grammar."""


@dataclass(frozen=True, slots=True)
class Grounders:
    """The models that can take a request, in order, and why others cannot."""

    usable: tuple[Grounder, ...] = ()
    left_out: tuple[StoredError, ...] = ()
    known: bool = False
    """Whether any platform has the requested model."""


class Detectors(Protocol):
    """Finds the models that can find boxes."""

    def grounders(self, model: str | None, group: str, denied_models: frozenset[str]) -> Grounders:
        """Return the models that may answer, first that of the route `ground`. model: only this one."""
        ...

    def detect(self, request: DetectionRequest) -> RunningDetection:
        """Prepare a detection; result() sends it. Raises NotFound."""
        ...
