"""Behaviour of llama.cpp that the engine relies on, tried on a synthetic GLM. Logits are compared, since a batch's shape changes their last
bits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.inference.records import FinishReason
from core.inference.requests import SamplingParams
from models.engine.backend import Decoded, Part
from models.engine.engine import Engine
from models.engine.kv_cache.offload_files import OffloadFiles
from models.engine.llama.backend import LlamaBackend
from samples.gguf_maker import SHAPES, make_gguf
from tests.this_machine import load_options
from tests.unit.models.engine.fake_model import collect, known_costs, run

PROMPT = [*range(64, 90)] * 6


@pytest.fixture(scope="module", params=[shape for shape in SHAPES if shape != "glm5-next"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gguf(tmp_path_factory.mktemp("model") / f"{request.param}.gguf", request.param, context=512)


@pytest.fixture
def backend(model: Path) -> Iterator[LlamaBackend]:
    loaded = LlamaBackend(model, load_options(model, context=512, slots=3, offload_bytes=10_000_000))
    yield loaded
    loaded.close()


def after(backend: LlamaBackend, slot: int, start: int, tokens: list[int]) -> NDArray[np.float32]:
    """Return the logits after the last of the tokens."""
    assert backend.decode([Part(slot, start, tokens, wants_logits=True)]) is Decoded.DONE
    return backend.logits(0).copy()


def same(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return bool(np.allclose(one, other, atol=0.02 * float(np.abs(other).max())))


def test_a_saved_slot_goes_on_elsewhere_as_if_it_had_never_left(backend: LlamaBackend) -> None:
    after(backend, 0, 0, PROMPT)
    state = backend.save(0)
    expected = after(backend, 0, len(PROMPT), [70])
    other = after(backend, 2, 0, [71] * 30)
    assert not same(other, expected)
    assert backend.restore(2, state)
    assert same(after(backend, 2, len(PROMPT), [70]), expected)


def test_a_restored_slot_can_be_cut_back(backend: LlamaBackend) -> None:
    after(backend, 0, 0, PROMPT)
    state = backend.save(0)
    expected = after(backend, 1, 0, [*PROMPT[:100], 70])
    assert backend.restore(2, state)
    backend.cut(2, 100)
    assert same(after(backend, 2, 100, [70]), expected)


def test_what_is_no_state_leaves_the_slot_empty(backend: LlamaBackend) -> None:
    after(backend, 1, 0, [71] * 30)
    assert not backend.restore(1, np.zeros(100, np.uint8))
    expected = after(backend, 0, 0, PROMPT)
    assert same(after(backend, 1, 0, PROMPT), expected)


def test_draft_tokens_have_the_logits_that_single_steps_have(backend: LlamaBackend) -> None:
    for slot in (0, 1):
        after(backend, slot, 0, PROMPT)
    alone = [after(backend, 0, len(PROMPT) + step, [70 + step]) for step in range(4)]
    together = [Part(0, len(PROMPT) + 4, [80], True), Part(1, len(PROMPT), [70, 71, 72, 73], True, draft_tokens=3)]
    assert backend.decode(together) is Decoded.DONE
    for draft, expected in enumerate(alone):
        assert same(backend.logits(1, draft), expected)


def test_the_engine_drafts_on_llama_cpp(backend: LlamaBackend) -> None:
    engine = Engine(backend, "synthetic", costs=known_costs(backend, lambda rows: 1e-9, 1.0))
    sequence = engine.submit(PROMPT, SamplingParams(temperature=0), 60, "ann")
    run(engine, sequence)
    assert len(collect(sequence)[0]) == 60
    assert engine.metrics().draft_tokens > 0
    timings = sequence.finished(FinishReason.LENGTH).timings
    assert (timings.draft_tokens, timings.accepted_tokens) == (engine.metrics().draft_tokens, engine.metrics().accepted_tokens)
    assert engine.metrics().cells_used == sequence.done


def greedy(engine: Engine, prompt: list[int]) -> tuple[str, int]:
    """(text, cached tokens)"""
    sequence = engine.submit(prompt, SamplingParams(temperature=0), 40, "ann")
    run(engine, sequence)
    return collect(sequence)[0], sequence.cached


def test_an_answer_is_the_same_after_a_trip_to_the_disk_and_back(model: Path, tmp_path: Path) -> None:
    backend = LlamaBackend(model, load_options(model, context=512, slots=1, offload_bytes=110_000))
    files = OffloadFiles(tmp_path, 100_000_000)
    engine = Engine(backend, "synthetic", files=files)
    question = [*PROMPT, 66, 67]
    greedy(engine, PROMPT)
    expected = greedy(engine, question)
    for other in range(100, 104):
        greedy(engine, [other, *PROMPT[1:]])
    assert engine.metrics().disk_offloaded > 0
    assert greedy(engine, question) == (expected[0], len(question) - 1)
    assert engine.metrics().disk_tokens == len(question) - 1
    files.close()
    backend.close()


def test_what_was_prefetched_gives_the_answer_that_prefill_gives(backend: LlamaBackend) -> None:
    following = [*PROMPT, *range(70, 86), 90]
    expected = greedy(Engine(backend, "before"), following)[0]
    for slot in range(3):
        backend.cut(slot, 0)
    engine = Engine(backend, "synthetic")
    ended = engine.submit(PROMPT, SamplingParams(temperature=0), 40, "ann")
    run(engine, ended)
    engine.prefetch(ended.tokens, following[:-1])
    while engine.prefetching:
        engine.prefetch_some()
    assert greedy(engine, following) == (expected, len(following) - 1)
    assert engine.metrics().prefetched_tokens >= 15


def test_recurrent_layers_answer_the_same_alone_and_in_a_crowd(tmp_path: Path) -> None:
    """glm5-next: its slots cannot be cut back, so that a prompt is read anew unless it continues where the slot ends.

    Only the beginning is compared: how much of a prompt a step reads depends on time, and so does in which order numbers are added up.
    """
    path = make_gguf(tmp_path / "a.gguf", "glm5-next", context=512)
    backend = LlamaBackend(path, load_options(path, context=512, slots=3))
    assert not backend.can_cut
    engine = Engine(backend, "synthetic")

    def answers(prompts: list[list[int]]) -> list[str]:
        asked = [engine.submit(prompt, SamplingParams(temperature=0), 10, str(number)) for number, prompt in enumerate(prompts)]
        run(engine, *asked)
        return [collect(one)[0] for one in asked]

    prompts = [[*PROMPT, 70 + number] for number in range(3)]
    assert answers(prompts) == [answers([prompt])[0] for prompt in prompts]
    backend.close()
