"""The engine reads images: a synthetic GLM-V answers as with llama.cpp's own helper, alone, beside others and with reused prefixes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelFailed
from core.inference.requests import SamplingParams
from models.engine.engine import Engine
from models.engine.images import EncodedImage, PromptImage, is_image, whole_length
from models.engine.llama import native
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.images.image_slots import ImageSlots
from models.engine.llama.images.projector import Projector
from models.engine.llama.native import lib
from models.engine.llama.options import BackendOptions
from models.engine.sequence import Sequence
from samples.gguf_maker import make_gguf
from samples.image_files import picture, written
from samples.projector_maker import make_projector
from tests.this_machine import load_options
from tests.unit.models.engine.fake_model import collect

if not native.has_multimodal():
    pytest.skip("this build of llama.cpp has no library for images", allow_module_level=True)

SECTIONS = (2, 1, 1, 0)
RED, BLUE = written(picture(112, 84)), written(picture(84, 140, "blue"))
ANSWER = 8
LOOK = "<|user|>Look at this picture, please, and at nothing else: "


@dataclass(frozen=True)
class Files:
    model: Path
    projector: Path

    def options(self, **options: object) -> BackendOptions:
        chosen = {"context": 512, "slots": 2, "projector": str(self.projector), **options}
        return load_options(self.model, **chosen)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("glm-v")
    model = make_gguf(folder / "glm-v.gguf", sections=SECTIONS, sharpness=30)
    return Files(model, make_projector(folder / "mmproj-glm-v.gguf"))


@pytest.fixture
def engine(files: Files) -> Iterator[tuple[Engine, LlamaBackend]]:
    backend = LlamaBackend(files.model, files.options())
    engine = Engine(backend, "glm-v", prompt_lookup=True)
    engine.start()
    yield engine, backend
    engine.close()


def prompt(backend: LlamaBackend, *parts: str | bytes) -> tuple[list[int], list[PromptImage]]:
    """Return the tokens of texts and images."""
    assert backend.projector is not None
    tokens: list[int] = []
    placed: list[PromptImage] = []
    for part in parts:
        if isinstance(part, str):
            tokens += backend.tokenize(part)
            continue
        for piece in backend.projector.encode(part).pieces:
            if isinstance(piece, EncodedImage):
                placed.append(PromptImage(len(tokens), piece))
                tokens += piece.tokens
            else:
                tokens += piece
    return tokens, placed


def ask(engine: Engine, backend: LlamaBackend, *parts: str | bytes) -> Sequence:
    tokens, placed = prompt(backend, *parts)
    return engine.submit(tokens, SamplingParams(temperature=0.0), ANSWER, "ann", images=placed)


def told(sequence: Sequence) -> tuple[str, int]:
    """(the answer, how many tokens of the prompt were cached)."""
    text, last = collect(sequence)
    return text, last.usage.cached_tokens


def reference(files: Files, *parts: str | bytes) -> str:
    """Return what llama.cpp's own helper makes of a prompt, most likely token by token."""
    mtmd = native.multimodal()
    backend = LlamaBackend(files.model, files.options(projector="", slots=1))
    model = lib.llama_model_load_from_file(str(files.model).encode(), lib.llama_model_default_params())
    params = lib.llama_context_default_params()
    params.n_ctx = 512
    context = lib.llama_init_from_model(model, params)
    chosen = mtmd.mtmd_context_params_default()
    chosen.use_gpu, chosen.warmup, chosen.n_threads = False, False, 1
    projector = mtmd.mtmd_init_from_file(str(files.projector).encode(), model, chosen)
    bitmaps = []
    for part in parts:
        if isinstance(part, bytes):
            data = (ctypes.c_uint8 * len(part)).from_buffer_copy(part)
            bitmaps.append(mtmd.mtmd_helper_bitmap_init_from_buf(projector, data, len(part), False))
    text = b"".join(mtmd.mtmd_default_marker() if isinstance(part, bytes) else part.encode() for part in parts)
    chunks = mtmd.mtmd_input_chunks_init()
    given = mtmd.mtmd_input_text(text, len(text), False, True)
    assert mtmd.mtmd_tokenize(projector, chunks, ctypes.byref(given), (ctypes.c_void_p * len(bitmaps))(*bitmaps), len(bitmaps)) == 0
    past = ctypes.c_int32(0)
    assert mtmd.mtmd_helper_eval_chunks(projector, context, chunks, 0, 0, 512, True, ctypes.byref(past)) == 0
    said, batch, position = b"", lib.llama_batch_init(1, 0, 1), past.value
    for _ in range(ANSWER):
        logits = np.ctypeslib.as_array(lib.llama_get_logits_ith(context, -1), (backend.vocabulary,))
        token = int(logits.argmax())
        said += backend.piece(token)
        batch.n_tokens, batch.token[0], batch.pos[0], batch.n_seq_id[0], batch.logits[0] = 1, token, position, 1, True
        batch.seq_id[0][0] = 0
        assert lib.llama_decode(context, batch) == 0
        position += 1
    lib.llama_batch_free(batch)
    mtmd.mtmd_input_chunks_free(chunks)
    mtmd.mtmd_free(projector)
    lib.llama_free(context)
    lib.llama_model_free(model)
    backend.close()
    return said.decode()


QUESTION = ("<|user|>first ", RED, " and ", BLUE, " which is larger?<|assistant|>")


def test_an_answer_about_two_images_is_that_of_llama_cpps_own_helper(engine: tuple[Engine, LlamaBackend], files: Files) -> None:
    expected = reference(files, *QUESTION)
    text, cached = told(ask(*engine, *QUESTION))
    assert (text, cached) == (expected, 0)
    assert text != reference(files, "<|user|>first ", BLUE, " and ", RED, " which is larger?<|assistant|>"), "it looks at the images"


def test_the_same_image_is_encoded_and_computed_once(engine: tuple[Engine, LlamaBackend], files: Files) -> None:
    _, backend = engine
    assert backend.projector is not None
    before = ("<|user|>look ", RED, " what?<|assistant|>")
    first, _ = told(ask(*engine, *before))
    follow_up = (*before, first, "<|user|>and why?<|assistant|>")
    text, cached = told(ask(*engine, *follow_up))
    assert text == reference(files, *follow_up)
    assert cached >= len(prompt(backend, *before)[0])
    assert (backend.projector.encoded, backend.projector.reused) == (1, 2)


def test_another_image_shares_the_prefix_only_up_to_it(engine: tuple[Engine, LlamaBackend], files: Files) -> None:
    _, backend = engine
    told(ask(*engine, LOOK, RED, " what?<|assistant|>"))
    other = (LOOK, BLUE, " what?<|assistant|>")
    text, cached = told(ask(*engine, *other))
    tokens, [placed] = prompt(backend, *other)
    assert text == reference(files, *other)
    assert 0 < cached <= placed.start and is_image(tokens[placed.start])


def test_questions_with_and_without_images_run_together(engine: tuple[Engine, LlamaBackend], files: Files) -> None:
    plain = ("<|user|>no image at all<|assistant|>",)
    running = [ask(*engine, *parts) for parts in (QUESTION, plain, QUESTION, plain)]
    answers = [told(sequence)[0] for sequence in running]
    assert answers == [reference(files, *QUESTION), reference(files, *plain)] * 2


def test_an_image_is_read_in_chunks_where_a_step_has_room_for_less(files: Files) -> None:
    backend = LlamaBackend(files.model, files.options(batch_tokens=4, slots=1))
    engine = Engine(backend, "glm-v")
    engine.start()
    assert told(ask(engine, backend, *QUESTION))[0] == reference(files, *QUESTION)
    engine.close()


@pytest.mark.parametrize("shared", [0, 512])
def test_a_conversation_with_an_image_moves_to_another_slot_and_back(files: Files, shared: int) -> None:
    backend = LlamaBackend(files.model, files.options(offload_bytes=50_000_000, shared_cells=shared))
    engine = Engine(backend, "glm-v")
    engine.start()
    first = ("<|user|>" + "words of a long beginning " * 4, RED, " what?<|assistant|>")
    others = ["<|user|>" + letter * 150 + "<|assistant|>" for letter in "abc"]
    said, _ = told(ask(engine, backend, *first))
    for other in others:
        told(ask(engine, backend, other))
    again = (*first, said, "<|user|>more?<|assistant|>")
    text, cached = told(ask(engine, backend, *again))
    assert text == reference(files, *again)
    assert cached > 100, "it came back from the host's memory"
    engine.close()


def test_the_cache_of_embeddings_is_bounded(files: Files) -> None:
    model = lib.llama_model_load_from_file(str(files.model).encode(), lib.llama_model_default_params())
    projector = Projector(files.projector, model, threads=1, on_gpu=False, cache_bytes=4_000)
    for content in (RED, BLUE, RED):
        projector.encode(content)
    assert (projector.encoded, projector.reused) == (3, 0)
    projector.close()
    lib.llama_model_free(model)


def test_a_file_that_is_no_projector_is_refused_in_words(files: Files) -> None:
    with pytest.raises(ModelFailed, match="could not load the projector glm-v"):
        LlamaBackend(files.model, files.options(projector=str(files.model)))


def test_a_projector_of_another_model_is_refused_in_words(files: Files, tmp_path: Path) -> None:
    wide = make_projector(tmp_path / "mmproj-wide.gguf", embedding=128)
    with pytest.raises(ModelFailed, match="could not load the projector mmproj-wide"):
        LlamaBackend(files.model, files.options(projector=str(wide)))


def image(tokens: int, positions: int, key: str = "ab") -> EncodedImage:
    return EncodedImage(key=key, embeddings=np.zeros((tokens, 4), np.float32), offsets=None, positions=positions)


def test_positions_after_an_image_are_less_than_indexes() -> None:
    slots = ImageSlots(2)
    slots.add(0, 10, image(20, 5))
    slots.add(0, 40, image(8, 4))
    assert [slots.position(0, index) for index in (5, 10, 15, 30, 40, 48)] == [5, 10, 10, 15, 25, 29]
    saved = slots.with_spans(0, np.arange(7, dtype=np.uint8))
    slots.copy(0, 1)
    assert slots.cut(0, 40) == 25 and slots.position(0, 50) == 35
    assert slots.position(1, 48) == 29
    assert slots.taken(0, saved).tolist() == list(range(7)) and slots.position(0, 48) == 29


def test_a_prefix_ends_within_no_image() -> None:
    one, two = image(6, 6).tokens, image(6, 6, "cd").tokens
    tokens = [1, 2, *one, 3, *two, 4]
    assert [whole_length(tokens, length) for length in (1, 2, 5, 8, 9, 12, 15)] == [1, 2, 2, 8, 9, 9, 15]
    assert not set(one) & set(two) and all(map(is_image, one))
