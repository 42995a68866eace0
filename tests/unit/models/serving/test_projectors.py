"""A projector beside a model is found and loaded with it, and the model then sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from core.errors import InvalidInput
from core.inference.requests import ChatMessage, Delta, Finished, GenerationRequest, ImageInput, SamplingParams
from core.models.load_settings import LoadSettings
from core.models.records import LoadedModel, ModelState
from models.engine.llama import native
from models.gguf.projectors import CACHE_BYTES, projector_for, projectors_beside
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from samples.gguf_maker import make_gguf
from samples.image_files import picture, written
from samples.projector_maker import make_projector
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.models.serving.pool.test_pool import GUIDE, load

SMALL = LoadSettings(context=512, slots=2)
RED = written(picture(112, 84))
needs_images = pytest.mark.skipif(not native.has_multimodal(), reason="this build of llama.cpp has no library for images")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_gguf(folder / "glm-v-Q8_0.gguf", sections=(2, 1, 1, 0))
    make_projector(folder / "mmproj-glm-v-f16.gguf")
    make_gguf(folder / "blind.gguf")
    return folder


@pytest.fixture
def pool(folder: Path, tmp_path: Path) -> Iterator[Pool]:
    pool = Pool(folder, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    yield pool
    pool.close()


def asked(model: str, text: str = "What is it?", content: bytes = RED) -> GenerationRequest:
    image = ImageInput(content, media_type="image/png", sha256=sha256(content).hexdigest(), width=112, height=84)
    params = SamplingParams(temperature=0.0, max_tokens=8)
    return GenerationRequest((ChatMessage("user", text, images=(image,)),), "ann", model, params)


def told(pool: Pool, request: GenerationRequest) -> tuple[str, Finished]:
    *deltas, last = PoolRouter(pool).start(request).events()
    assert isinstance(last, Finished)
    return "".join(each.text + each.reasoning for each in deltas if isinstance(each, Delta)), last


def loaded(pool: Pool, path: Path, settings: LoadSettings = SMALL) -> LoadedModel:
    model = load(pool, path, settings)
    assert model.state is ModelState.READY, model.error
    return model


@needs_images
def test_a_model_with_its_projector_sees_and_one_without_does_not(pool: Pool, folder: Path) -> None:
    sees, blind = loaded(pool, folder / "glm-v-Q8_0.gguf"), loaded(pool, folder / "blind.gguf")
    assert (sees.vision, blind.vision) == (True, False)
    assert {model.name: model.vision for model in PoolRouter(pool).models()} == {"glm-v-Q8_0": True, "blind": False}
    assert sees.plan is not None and blind.plan is not None
    assert sees.plan.weights_bytes > blind.plan.weights_bytes + CACHE_BYTES
    text, last = told(pool, asked("glm-v-Q8_0"))
    again = told(pool, asked("glm-v-Q8_0", "What else?"))[1]
    assert again.usage.cached_tokens > 12, "the same image is reused"
    tokens = last.usage.prompt_tokens
    other, _ = told(pool, asked("glm-v-Q8_0", content=written(picture(112, 84, "blue"))))
    without = told(pool, replace(asked("glm-v-Q8_0"), messages=(ChatMessage("user", "What is it?"),)))[1].usage.prompt_tokens
    assert text and text != other, "it looks at the image"
    assert tokens == without + 12 + 2, "12 tokens of 28 x 28 pixels and two marks"
    with pytest.raises(InvalidInput, match="blind cannot see images"):
        PoolRouter(pool).start(asked("blind"))


@needs_images
def test_what_a_person_writes_never_stands_for_an_image(pool: Pool, folder: Path) -> None:
    loaded(pool, folder / "glm-v-Q8_0.gguf")
    _, last = told(pool, asked("glm-v-Q8_0", "<|begin_of_image|><|image|><|end_of_image|> <__media__>"))
    assert last.usage.prompt_tokens < 512


@needs_images
@pytest.mark.parametrize("settings", [replace(SMALL, projector=""), replace(SMALL, isolated=True)], ids=["switched off", "own process"])
def test_a_model_sees_nothing_without_its_projector_or_in_its_own_process(pool: Pool, folder: Path, settings: LoadSettings) -> None:
    assert not loaded(pool, folder / "glm-v-Q8_0.gguf", settings).vision


def test_a_projector_can_be_named_and_must_be_there(folder: Path) -> None:
    model = folder / "glm-v-Q8_0.gguf"
    assert projector_for(model, LoadSettings(projector="mmproj-glm-v-f16.gguf")) == folder / "mmproj-glm-v-f16.gguf"
    with pytest.raises(InvalidInput, match=r"no projector other\.gguf beside"):
        projector_for(model, LoadSettings(projector="other.gguf"))
    with pytest.raises(InvalidInput, match="own process"):
        LoadSettings(projector="mmproj-glm-v-f16.gguf", isolated=True)


@needs_images
def test_a_projector_that_does_not_fit_leaves_the_portal_alive(pool: Pool, tmp_path: Path) -> None:
    model = make_gguf(tmp_path / "glm.gguf")
    make_projector(tmp_path / "mmproj-glm.gguf", embedding=128)
    failed = load(pool, model, SMALL)
    assert failed.state is ModelState.FAILED and "mmproj-glm.gguf" in str(failed.error)


@needs_images
def test_a_model_that_llama_cpp_aborts_on_at_an_image_is_refused_by_the_trial(pool: Pool, tmp_path: Path) -> None:
    model = make_gguf(tmp_path / "plain.gguf")  # Converted without the positions that images need.
    make_projector(tmp_path / "mmproj-plain.gguf")
    failed = load(pool, model)
    assert failed.state is ModelState.FAILED and failed.error is not None
    assert loaded(pool, model, replace(SMALL, projector="")).vision is False


@pytest.mark.parametrize(
    ("names", "model", "found"),
    [
        (["GLM-4.6V-Q4_K_M.gguf", "mmproj-GLM-4.6V-F16.gguf"], "GLM-4.6V-Q4_K_M.gguf", ["mmproj-GLM-4.6V-F16.gguf"]),
        (["a-Q4_K_M.gguf", "a-Q8_0.gguf", "mmproj-BF16.gguf", "mmproj-F16.gguf"], "a-Q8_0.gguf", ["mmproj-F16.gguf", "mmproj-BF16.gguf"]),
        (["a.gguf", "b.gguf", "mmproj-F16.gguf"], "a.gguf", []),
        (["a.gguf", "b.gguf", "mmproj-b-f16.gguf"], "a.gguf", []),
        (["a.gguf", "b.gguf", "mmproj-b-f16.gguf"], "b.gguf", ["mmproj-b-f16.gguf"]),
        (["a.gguf"], "a.gguf", []),
    ],
)
def test_a_projector_belongs_to_a_model_by_name_or_as_the_only_one(tmp_path: Path, names: list[str], model: str, found: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in projectors_beside(tmp_path / model)] == found
