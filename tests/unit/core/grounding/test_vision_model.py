"""Grounding by a GLM-V in this process: the image is encoded, the answer constrained, read, and mapped to the original's pixels.

The model is synthetic: its boxes mean nothing, but everything between the file and the boxes is real.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from PIL import Image

from core.grounding.answers import ANSWER_GRAMMAR
from core.grounding.finder import Finder
from core.grounding.geometry import to_thousandths
from core.grounding.grounding import Grounding
from core.images.images import Images
from core.inference.detection import Grounder
from core.inference.gateway import Gateway
from core.inference.requests import ChatMessage, Delta, GenerationRequest, ImageInput, SamplingParams
from core.models.load_settings import LoadSettings
from core.models.records import ModelKind, ModelState
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from data.images.reader import ProcessImageReader
from models.engine.llama import native
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from models.serving.routing.platform_router import PlatformRouter
from samples.gguf_maker import make_gguf
from samples.image_files import turned_photo
from samples.projector_maker import make_projector
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.core.conftest import MovingClock
from tests.unit.models.serving.pool.test_pool import GUIDE, load

pytestmark = pytest.mark.skipif(not native.has_multimodal(), reason="this build of llama.cpp has no library for images")
PHRASES = ["a car", "letters"]


class Recording:
    """A router that keeps what the model was asked and what it answered."""

    def __init__(self, pool: Pool) -> None:
        self._inner = PoolRouter(pool)
        self.requests: list[GenerationRequest] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def start(self, request: GenerationRequest) -> object:
        self.requests.append(request)
        return self._inner.start(request)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    tmp_path = tmp_path_factory.mktemp("models")
    make_gguf(tmp_path / "glm-v.gguf", sections=(2, 1, 1, 0), context=4096, seed=5, punctuation=True)
    make_projector(tmp_path / "mmproj-glm-v.gguf")
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    model = load(pool, tmp_path / "glm-v.gguf", LoadSettings(context=4096, slots=2))
    assert model.state is ModelState.READY, model.error
    yield pool
    pool.close()


def test_a_vision_model_finds_boxes_in_the_pixels_of_the_original(
    pool: Pool, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User
) -> None:
    inner = Recording(pool)
    router = PlatformRouter(inner)  # type: ignore[arg-type]
    images = Images(ProcessImageReader(), 20_000_000)
    gateway = Gateway(unit_of_work, router, clock, images=images, detectors=router)
    grounding = Grounding(unit_of_work, clock, images, Finder(unit_of_work, gateway, images, clock))
    try:
        [grounder] = grounding.grounders(ana)
        assert grounder == Grounder("glm-v@local", ModelKind.CHAT, grounder.version, here=True) and grounder.version
        # On its side in the file: 610 x 450 pixels as people see it.
        image = grounding.upload(ana, "street.jpg", turned_photo(Image.effect_noise((450, 610), 80).convert("RGB"), 6))
        assert (image.width, image.height) == (610, 450)
        run = grounding.find(ana, image.id, PHRASES)
        [seen] = {request.messages[0].images[0].sha256 for request in inner.requests}
        assert (len(inner.requests), run.model, run.model_version) == (len(PHRASES), "glm-v@local", grounder.version)
        assert run.boxes, "a model held to the form names boxes"
        assert {box.phrase for box in run.boxes} <= set(range(len(PHRASES)))
        for box in run.boxes:
            assert 0 <= box.left < box.right <= 610 and 0 <= box.top < box.bottom <= 450
            exact = to_thousandths(image.mapping, box.edges)
            assert all(abs(edge - round(edge)) < 0.001 for edge in exact), "whole thousandths of the original, not of what the model saw"
        shown: ImageInput = inner.requests[0].messages[0].images[0]
        assert (shown.width % 28, shown.height % 28) == (0, 0) and (shown.width, shown.height) != (610, 450) and seen == shown.sha256
        assert grounding.find(ana, image.id, PHRASES).cached
    finally:
        router.close()


def test_every_answer_is_json_of_the_form(pool: Pool) -> None:
    """Whatever the question is; the random model would otherwise write noise."""
    inner = PoolRouter(pool)
    for text in ("Where is it?", "Hello", "Count to ten."):
        params = SamplingParams(temperature=0.0, max_tokens=400, grammar=ANSWER_GRAMMAR)
        events = inner.start(GenerationRequest((ChatMessage("user", text),), "ann", "glm-v", params, thinking=False)).events()
        answer = "".join(each.text for each in events if isinstance(each, Delta))
        assert answer.startswith("["), answer[:80]
        if answer.endswith("]"):  # It may also end in the middle, at the limit of its tokens.
            for each in json.loads(answer):
                assert all(0 <= edge <= 1000 for edge in each["bbox_2d"]) and len(each["bbox_2d"]) == 4
