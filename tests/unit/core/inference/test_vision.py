"""Requests with images go to models that see, with the images decoded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import InvalidInput
from core.images.images import Images
from core.images.records import DecodedImage
from core.inference.gateway import Gateway
from core.inference.records import Source, Task
from core.inference.requests import ChatMessage, GenerationRequest, ImageInput
from core.inference.vision import MAX_IMAGES
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import MODEL, FakeRouter
from tests.unit.core.conftest import MovingClock
from tests.unit.core.images.test_images import PNG, Reader

BLIND, SEEING = MODEL, replace(MODEL, name="glm-v", default=False, vision=True)


class FittingReader(Reader):
    """Doubles the size, to show that an image went through it."""

    def fitted(self, image: DecodedImage, person: str = "") -> DecodedImage:
        return replace(image, mapping=image.mapping.resized(56, 28))


@pytest.fixture
def reader() -> FittingReader:
    return FittingReader()


@pytest.fixture
def router() -> FakeRouter:
    router = FakeRouter()
    router.available = [BLIND, SEEING]
    return router


@pytest.fixture
def gateway(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock, reader: FittingReader) -> Gateway:
    return Gateway(unit_of_work, router, clock, images=Images(reader, 1_000))


def asked(model: str | None, count: int = 1) -> GenerationRequest:
    return GenerationRequest((ChatMessage("user", "What is this?", images=(ImageInput(PNG, "a.png"),) * count),), "ana", model=model)


def test_the_model_gets_images_decoded_and_fitted(gateway: Gateway, router: FakeRouter, reader: FittingReader, ana: User) -> None:
    gateway.answer(ana, asked("glm-v", 2), Source.API)
    [request] = router.requests
    assert [(each.width, each.height, each.media_type, each.is_fitted) for each in request.images] == [(56, 28, "image/png", True)] * 2
    assert request.task is Task.VISION
    assert len(reader.seen) == 1, "the same image is decoded once"


def test_a_request_without_a_model_takes_one_that_sees(gateway: Gateway, router: FakeRouter, ana: User) -> None:
    gateway.answer(ana, asked(None), Source.API)
    assert router.requests[0].model == "glm-v"


def test_a_model_that_cannot_see_is_refused_and_one_that_can_is_named(gateway: Gateway, router: FakeRouter, ana: User) -> None:
    with pytest.raises(InvalidInput, match=r"fake cannot see images\. Choose one that can: glm-v"):
        gateway.answer(ana, asked("fake"), Source.API)
    router.available = [BLIND]
    with pytest.raises(InvalidInput, match="no other model here can"):
        gateway.answer(ana, asked(None), Source.API)
    assert router.requests == []


def test_too_many_images_are_refused(gateway: Gateway, ana: User) -> None:
    with pytest.raises(InvalidInput, match=f"at most {MAX_IMAGES} images"):
        gateway.answer(ana, asked("glm-v", MAX_IMAGES + 1), Source.API)


def test_a_broken_image_is_refused_by_its_name(gateway: Gateway, ana: User) -> None:
    broken = ChatMessage("user", "?", images=(ImageInput(b"no image", "messages.0.content.1.image_url"),))
    with pytest.raises(InvalidInput, match=r"messages\.0\.content\.1\.image_url is not an image"):
        gateway.answer(ana, GenerationRequest((broken,), "ana", model="glm-v"), Source.API)
