"""A real database, and detectors and an image reader that a test sets up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

import pytest

from core.errors import PortalError
from core.grounding.corrections import BoxCorrections
from core.grounding.exports.box_exports import BoxExports
from core.grounding.finder import Finder
from core.grounding.grounding import Grounding
from core.grounding.records import Box
from core.images.images import Images
from core.images.records import DecodedImage, PixelMapping
from core.inference.detection import Detected, DetectedBox, DetectionRequest, Grounder, Grounders
from core.inference.gateway import Gateway
from core.inference.records import Routing, Timings
from core.knowledge.ports import OnQueuePosition
from core.models.records import ModelKind
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.privacy.filter import PrivacyFilter
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter
from tests.unit.core.conftest import MovingClock

PNG = b"\x89PNG\r\n\x1a\n"
BOX = (10.0, 20.0, 110.0, 90.0)


class FakeReader:
    """Takes every file for an image of 400 x 300 pixels that lies on its side."""

    def decode(self, name: str, content: bytes, person: str = "", on_queue_position: OnQueuePosition | None = None) -> DecodedImage:
        return DecodedImage(content, "image/png", sha256(content).hexdigest(), PixelMapping(400, 300, 6, 150, 200))

    def fitted(self, image: DecodedImage, person: str = "") -> DecodedImage:
        return replace(image, mapping=image.mapping.resized(140, 196))

    def drawn(self, image: DecodedImage, boxes: Sequence[Box], person: str = "") -> DecodedImage:
        return replace(image, content=repr([(box.edges, box.label) for box in boxes]).encode())


@dataclass
class FakeDetection:
    model: str
    version: str
    answer: tuple[DetectedBox, ...] | PortalError
    platform: str = "boxes"
    routing: Routing | None = None

    @property
    def model_version(self) -> str:
        return self.version

    def result(self) -> Detected:
        if isinstance(self.answer, PortalError):
            raise self.answer
        return Detected(self.answer, Timings(duration_s=0.5))


@dataclass
class FakeDetectors:
    """By name, what each detector answers to a phrase: an error, or edges."""

    answers: dict[str, PortalError | tuple[float, float, float, float] | None] = field(default_factory=lambda: {"finder": BOX})
    versions: dict[str, str] = field(default_factory=dict)
    chats: tuple[str, ...] = ()
    asked: list[DetectionRequest] = field(default_factory=list)

    def grounders(self, model: str | None, group: str, denied_models: frozenset[str]) -> Grounders:
        names = [name for name in self.answers if model in (None, name) and name not in denied_models]
        detectors = [Grounder(name, ModelKind.DETECTION, self.versions.get(name, "1")) for name in names]
        chats = [Grounder(name, ModelKind.CHAT, "v1") for name in self.chats if model in (None, name)]
        return Grounders((*detectors, *chats), (), bool(names or chats))

    def detect(self, request: DetectionRequest) -> FakeDetection:
        self.asked.append(request)
        answer = self.answers[request.model]
        if isinstance(answer, PortalError):
            return FakeDetection(request.model, "1", answer)
        boxes = [] if answer is None else [DetectedBox(answer, number, "", 0.75) for number in range(len(request.phrases))]
        return FakeDetection(request.model, "1", tuple(boxes))


@pytest.fixture
def detectors() -> FakeDetectors:
    return FakeDetectors()


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def grounding(unit_of_work: UnitOfWorkFactory, clock: MovingClock, detectors: FakeDetectors, router: FakeRouter) -> Grounding:
    images = Images(FakeReader(), 1_000_000)
    gateway = Gateway(unit_of_work, router, clock, images=images, detectors=detectors)
    return Grounding(unit_of_work, clock, images, Finder(unit_of_work, gateway, images, clock))


@pytest.fixture
def corrections(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> BoxCorrections:
    return BoxCorrections(unit_of_work, clock)


@pytest.fixture
def exports(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> BoxExports:
    return BoxExports(unit_of_work, clock, FakeReader(), PrivacyFilter(unit_of_work, clock))


@pytest.fixture
def bo(accounts: Accounts) -> User:
    return accounts.add(None, "bo", Role.ANALYST, password="correct horse battery")
