"""All slots in one KV cache: what happens when it is full, on the fake and on llama.cpp."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.inference.records import FinishReason
from core.inference.requests import Finished, SamplingParams
from models.engine.backend import Decoded, Part
from models.engine.engine import Engine
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.options import BackendOptions
from samples.gguf_maker import make_gguf
from tests.this_machine import load_options
from tests.unit.models.engine.fake_model import FakeModel, ask, collect, run
from tests.unit.models.engine.llama.test_backend import after, same


@pytest.fixture
def model() -> FakeModel:
    made = FakeModel(slots=4, context=100)
    made.shared_cells = 160
    return made


def test_answers_that_outgrow_the_memory_all_end_as_if_alone(model: FakeModel) -> None:
    engine = Engine(model, "fake")
    asked = [ask(engine, [number] * 20, user=str(number), tokens=60) for number in range(1, 5)]
    run(engine, *asked)
    for number, sequence in enumerate(asked, start=1):
        text, last = collect(sequence)
        assert isinstance(last, Finished) and last.finish_reason is FinishReason.LENGTH
        assert text == bytes(range(number + 1, number + 61)).decode("utf-8", "replace")
    assert engine.metrics().failures == 0 and engine.metrics().preempted > 0
    assert model.samplers == 0


def test_the_youngest_answer_waits_and_the_oldest_never_does(model: FakeModel) -> None:
    engine = Engine(model, "fake")
    asked = [ask(engine, [number] * 20, user=str(number), tokens=60) for number in range(1, 5)]
    preempted_slots = []
    for _ in range(60):
        engine.step()
        preempted_slots.append(asked[0].slot is None and asked[0].generated < 60)
    assert not any(preempted_slots)
    assert asked[3].slot is None and asked[3].generated < 60


def test_idle_conversations_leave_before_any_answer_waits(model: FakeModel) -> None:
    engine = Engine(model, "fake")
    for number in (1, 2, 3):
        run(engine, ask(engine, [number] * 40, tokens=2))
    asked = ask(engine, [9] * 50, tokens=40)
    run(engine, asked)
    assert len(collect(asked)[0]) == 40
    assert engine.metrics().preempted == 0


def test_nobody_begins_who_would_only_drive_others_out(model: FakeModel) -> None:
    engine = Engine(model, "fake")
    first = ask(engine, [1] * 70, user="a", tokens=25)
    engine.step()
    large, small = ask(engine, [2] * 90, user="b", tokens=2), ask(engine, [3] * 5, user="c", tokens=2)
    engine.step()
    assert large.admitted is None and small.admitted is None, "there are slots, but no room, and nobody overtakes"
    run(engine, first, large, small)
    assert engine.metrics().preempted == 0


def test_a_user_with_most_of_the_memory_makes_room_for_another(model: FakeModel) -> None:
    engine = Engine(model, "fake")
    mine = [ask(engine, [number] * 45, user="a", tokens=40) for number in (1, 2, 3)]
    engine.step()
    other = ask(engine, [9] * 30, user="b", tokens=5)
    for _ in range(3):
        engine.step()
    assert other.slot is not None
    run(engine, other, *mine)
    assert engine.metrics().failures == 0


def test_an_answer_alone_that_finds_no_room_fails_in_words(model: FakeModel) -> None:
    model.answers = lambda parts: Decoded.FULL
    engine = Engine(model, "fake")
    lonely = ask(engine, [1] * 10)
    run(engine, lonely)
    assert "is full" in str(collect(lonely)[1])


# On llama.cpp


@pytest.fixture(scope="module", params=["glm4", "deepseek2"])
def gguf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gguf(tmp_path_factory.mktemp("model") / f"{request.param}.gguf", request.param, context=512, sharpness=1.0)


@pytest.fixture
def backend(gguf: Path) -> Iterator[LlamaBackend]:
    loaded = LlamaBackend(gguf, load_options(gguf, context=512, slots=6, shared_cells=512, offload_bytes=10_000_000))
    yield loaded
    loaded.close()


def test_a_shared_beginning_takes_no_cells_of_its_own(backend: LlamaBackend) -> None:
    prompt = [*range(64, 90)] * 8
    after(backend, 0, 0, prompt)
    expected = after(backend, 0, len(prompt), [70])
    for slot in range(1, 6):
        backend.copy(0, slot, len(prompt))
        assert same(after(backend, slot, len(prompt), [70]), expected)
    backend.cut(0, 0)
    assert same(after(backend, 1, len(prompt) + 1, [71]), after(backend, 2, len(prompt) + 1, [71]))


def test_a_full_memory_says_so_and_loses_nothing(backend: LlamaBackend) -> None:
    after(backend, 0, 0, [70] * 300)
    expected = after(backend, 0, 300, [71])
    backend.cut(0, 300)
    assert backend.decode([Part(1, 0, [72] * 250, wants_logits=True)]) is Decoded.FULL
    assert same(after(backend, 0, 300, [71]), expected)


def test_conversations_that_fill_the_memory_do_not_cost_each_other_an_answer(gguf: Path) -> None:
    prompts = [[64 + number, *range(65, 85), 66 + number] * 4 for number in range(6)]
    params = SamplingParams(temperature=0)

    def answers(options: BackendOptions) -> tuple[list[list[int]], Engine]:
        backend = LlamaBackend(gguf, options)
        engine = Engine(backend, "synthetic")
        asked = [engine.submit(prompt, params, 90, str(number)) for number, prompt in enumerate(prompts)]
        run(engine, *asked)
        assert all(isinstance(collect(sequence)[1], Finished) for sequence in asked)
        metrics = engine.metrics()
        backend.close()
        assert metrics.failures == 0 and metrics.cells_used <= metrics.cells_total
        preempted.append(metrics.preempted)
        return [sequence.tokens[sequence.prompt_length :] for sequence in asked], engine

    preempted: list[int] = []
    apart, _ = answers(load_options(gguf, context=512, slots=6))
    together, _ = answers(load_options(gguf, context=512, slots=6, shared_cells=512, offload_bytes=10_000_000))
    assert preempted[0] == 0 and preempted[1] > 0
    assert all(len(answer) == 90 for answer in together)
    # Batches of another shape add up in another order, so that near ties may fall otherwise: the first tokens must agree.
    assert np.mean([one[:10] == other[:10] for one, other in zip(apart, together, strict=True)]) >= 0.8
