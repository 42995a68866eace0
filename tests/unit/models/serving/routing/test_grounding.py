"""Candidates that find boxes: detectors over their protocol, and chat models that see images."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from core.errors import Busy, InvalidInput, ModelFailed, NotFound, PortalError, Unavailable
from core.inference.detection import Detected, DetectionRequest, Grounders
from core.models.records import ModelKind
from models.platforms.configuration.reader import YamlConfigurationReader
from models.serving.routing.platform_router import PlatformRouter
from samples.fakes import FakeRouter
from samples.servers.models.detector_server import DetectorServer, detector_server
from samples.servers.models.model_server import ModelServer


class House:
    def __init__(self, detector: DetectorServer) -> None:
        self.detector = detector
        self.chats = ModelServer(("glm-v", "glm"))
        self.router = PlatformRouter(FakeRouter())

    def configure(self, routes: str = "", limits: str = "{}", models: str = "{}") -> None:
        text = (
            f"platforms:\n- {{name: boxes, type: detector, base_url: '{self.detector.url}', limits: {limits}}}\n"
            f"- {{name: gateway, type: openai, base_url: '{self.chats.url}', models: {{llm: [{{name: glm-v, vision: true}}, glm]}}}}\n"
        )
        self.router.configure(YamlConfigurationReader("platforms.yaml", {}).read(text + routes))
        until = time.monotonic() + 60
        while not any(each.kind is ModelKind.DETECTION for each in self.router.models()):
            assert time.monotonic() < until, "the detector was not listed"
            time.sleep(0.01)

    def grounders(self, model: str | None = None, group: str = "", denied_models: frozenset[str] = frozenset()) -> Grounders:
        return self.router.grounders(model, group, denied_models)

    def detect(self, *phrases: str) -> Detected:
        request = DetectionRequest(
            image=b"\x89PNG", media_type="image/png", width=100, height=50, phrases=phrases, user_id="ann", model="finder@boxes"
        )
        return self.router.detect(request).result()

    def close(self) -> None:
        self.router.close()
        self.chats.close()


@pytest.fixture
def house() -> Iterator[House]:
    with detector_server() as detector:
        house = House(detector)
        yield house
        house.close()


def test_without_a_route_detectors_come_first_then_models_that_see_images(house: House) -> None:
    house.configure()
    found = house.grounders()
    assert [(each.name, each.kind) for each in found.usable] == [
        ("finder@boxes", ModelKind.DETECTION),
        ("glm-v@gateway", ModelKind.CHAT),
    ]
    assert found.usable[0].version == "boxes/finder/1"
    assert [each.name for each in house.grounders("finder").usable] == ["finder@boxes"]
    assert [each.name for each in house.grounders("glm-v").usable] == ["glm-v@gateway"]
    assert house.grounders("unknown") == Grounders()


def test_a_route_orders_both_kinds_and_knows_groups_and_access(house: House) -> None:
    house.configure("routes:\n  ground: [glm-v@gateway, {to: finder@boxes, groups: [lab]}]\n")
    assert [each.name for each in house.grounders(group="lab").usable] == ["glm-v@gateway", "finder@boxes"]
    assert [each.name for each in house.grounders().usable] == ["glm-v@gateway"]
    assert [each.name for each in house.grounders(group="lab", denied_models=frozenset({"glm-v"})).usable] == ["finder@boxes"]


def test_a_local_model_that_sees_no_images_is_left_out(house: House) -> None:
    house.configure()
    found = house.grounders("fake")
    assert (found.usable, found.known) == ((), True)
    assert [str(each) for each in found.left_out] == ["fake@local: it cannot see images."]


def test_a_detector_is_asked_with_image_and_phrases_and_its_boxes_are_read(house: House) -> None:
    house.configure()
    found = house.detect("car", "nothing")
    assert [(each.edges, each.phrase, each.label, each.confidence) for each in found.boxes] == [((10, 20, 110, 90), 0, "car", 0.9)]
    assert house.detector.asked == [{"model": "finder", "image": "iVBORw==", "media_type": "image/png", "phrases": ["car", "nothing"]}]


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (200, {}, ModelFailed, "not an answer (boxes)"),
        (200, {"boxes": [{"box": [1, 2, 3]}]}, ModelFailed, "not an answer (box)"),
        (200, {"boxes": [{"box": [1, 2, 3, "4"]}]}, ModelFailed, "not an answer (box)"),
        (200, {"boxes": [{"box": [1, 2, 3, 4], "phrase": 7}]}, ModelFailed, "not an answer (phrase)"),
        (200, [], ModelFailed, "not an answer"),
        (422, {"error": {"message": "No image <b>here</b>."}}, InvalidInput, "boxes refused the request (422): No image here ."),
        (429, {}, Busy, "boxes is busy."),
        (500, {}, ModelFailed, "boxes failed (500)."),
        (401, {}, Unavailable, "does not accept the portal's key"),
    ],
)
def test_what_is_no_answer_is_a_sentence(house: House, status: int, body: object, error: type[PortalError], words: str) -> None:
    house.configure()
    house.detector.answer = lambda _: (status, body)
    with pytest.raises(error) as refused:
        house.detect("car")
    assert words in str(refused.value)


def test_a_detector_that_fails_is_left_out_until_it_answers_again(house: House) -> None:
    house.configure()
    house.detector.answer = lambda _: (500, {})
    for _ in range(20):
        with pytest.raises((ModelFailed, Unavailable)):
            house.detect("car")
        if not house.grounders("finder").usable:
            break
    assert house.grounders("finder").known and [each.name for each in house.grounders().usable] == ["glm-v@gateway"]
    with pytest.raises(Unavailable):
        house.detect("car")


def test_the_limit_of_requests_holds(house: House) -> None:
    house.configure(limits="{requests_per_minute: 1}")
    house.detect("car")
    with pytest.raises(Busy, match="boxes has had its requests for this minute"):
        house.detect("car")


def test_an_unknown_detector_is_named(house: House) -> None:
    house.configure()
    request = DetectionRequest(image=b"", media_type="image/png", width=1, height=1, phrases=("a",), user_id="ann", model="other")
    with pytest.raises(NotFound, match="no model other"):
        house.router.detect(request)
