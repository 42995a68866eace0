"""llama.cpp copies between streams only at the next decode: changes of a slot until then must not reach the copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.inference.requests import SamplingParams
from models.engine.engine import Engine
from models.engine.llama.backend import LlamaBackend
from samples.gguf_maker import make_gguf
from tests.this_machine import load_options
from tests.unit.models.engine.fake_model import collect, run

SYSTEM, OFFLOADED = [*range(65, 90)] * 3, [*range(97, 122)] * 4


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    model = make_gguf(tmp_path / "a.gguf", context=512, sharpness=30.0)
    backend = LlamaBackend(model, load_options(model, context=512, slots=3, offload_bytes=10_000_000))
    yield Engine(backend, "synthetic")
    backend.close()


def answers(engine: Engine, *prompts: list[int]) -> list[str]:
    """Asked at once."""
    asked = [engine.submit(prompt, SamplingParams(temperature=0), 12, str(number)) for number, prompt in enumerate(prompts)]
    run(engine, *asked)
    return [collect(sequence)[0] for sequence in asked]


def test_a_conversation_that_comes_back_into_a_slot_just_copied_from_changes_no_copy(engine: Engine) -> None:
    copying, returning = [*SYSTEM, 66, 70, 68], [*OFFLOADED, 99]
    expected = [answers(engine, copying)[0], answers(engine, returning)[0]]
    for slot in range(3):
        engine._kv_cache.clear(slot)
    answers(engine, OFFLOADED)
    engine._kv_cache.forget_oldest([0, 1, 2])
    answers(engine, [*SYSTEM, *range(48, 58)] * 2)
    assert engine.metrics().offloaded == 1
    holding = next(slot for slot in range(3) if engine.held()[slot])
    for slot in range(3):
        if slot != holding:
            engine._kv_cache.cut(slot, 0)
    # The only other free slot is the one that is copied from.
    first, second = (slot for slot in range(3) if slot != holding)
    busy = engine.submit([50] * 20, SamplingParams(temperature=0), 400, "busy")
    engine.step()
    assert busy.slot in (first, second)
    assert answers(engine, copying, returning) == expected
    assert engine.metrics().copied_tokens >= len(SYSTEM)
