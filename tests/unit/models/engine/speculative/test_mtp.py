"""The MTP layer on llama.cpp: what it drafts, and that answers do not depend on it. It knows `forgetful` models exactly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.inference.requests import SamplingParams
from models.engine.backend import Decoded, Part
from models.engine.engine import Engine
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.native import lib
from models.engine.speculative.mtp import KEPT, PATIENCE
from samples.gguf_maker import make_gguf
from tests.this_machine import load_options
from tests.unit.models.engine.fake_model import ask, collect, known_costs, run

PROMPT = [*range(65, 90)] * 4
GREEDY = SamplingParams(temperature=0)


@pytest.fixture(scope="module", params=["glm4moe", "deepseek2", "glm-dsa"])
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def forgetful(architecture: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gguf(tmp_path_factory.mktemp("model") / "a.gguf", architecture, context=512, next_layer=True, forgetful=True)


@pytest.fixture(scope="module")
def lively(architecture: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its next-token layer is as random as the rest: hardly a guess is right."""
    return make_gguf(tmp_path_factory.mktemp("model") / "a.gguf", architecture, context=512, next_layer=True, sharpness=30.0)


def load(path: Path, *, mtp: bool = True, offload: int = 0) -> LlamaBackend:
    return LlamaBackend(path, load_options(path, context=512, slots=4, mtp=mtp, offload_bytes=offload))


@pytest.fixture
def backend(forgetful: Path) -> Iterator[LlamaBackend]:
    loaded = load(forgetful)
    yield loaded
    loaded.close()


class Talk:
    """One greedy answer in a slot, token by token, with guesses beside it."""

    def __init__(self, backend: LlamaBackend, slot: int = 0, prompt: list[int] | None = None) -> None:
        self.backend, self.slot, self.tokens = backend, slot, list(prompt or PROMPT)
        self.sampler = backend.new_sampler(GREEDY, self.tokens)
        self.read(0)

    def read(self, start: int) -> None:
        assert self.backend.decode([Part(self.slot, start, self.tokens[start:], True)]) is Decoded.DONE
        self.tokens.append(self.backend.sample(self.sampler, 0))

    def guess(self, count: int) -> list[int]:
        return self.backend.draft([(self.slot, self.tokens[-1], count)])[0]

    def go_on(self, count: int = 1) -> list[int]:
        for _ in range(count):
            self.read(len(self.tokens) - 1)
        return self.tokens[-count:]


def test_the_layer_drafts_many_tokens_of_what_it_knows(backend: LlamaBackend) -> None:
    talk = Talk(backend)
    assert talk.guess(4) == talk.go_on(4)
    assert talk.guess(6) == talk.go_on(6)


def test_draft_tokens_for_several_slots_are_each_its_own(backend: LlamaBackend) -> None:
    one, other = Talk(backend, 0), Talk(backend, 3, [*PROMPT, 70])
    wanted = [(0, one.tokens[-1], 2), (3, other.tokens[-1], 4)]
    assert backend.draft(wanted) == [one.go_on(2), other.go_on(4)]


def test_checked_draft_tokens_are_followed_and_wrong_ones_forgotten(backend: LlamaBackend) -> None:
    talk = Talk(backend)
    guesses = [*talk.guess(2), 99, 98]
    begin = len(talk.tokens) - 1
    assert backend.decode([Part(0, begin, [talk.tokens[-1], *guesses], True, draft_tokens=4)]) is Decoded.DONE
    assert [backend.sample(talk.sampler, 0, guess) for guess in range(2)] == guesses[:2]
    talk.tokens += [*guesses[:2], backend.sample(talk.sampler, 0, 2)]
    backend.cut(0, len(talk.tokens) - 1)
    assert talk.guess(3) == talk.go_on(3)


def test_a_decode_that_is_undone_leaves_the_layer_usable(backend: LlamaBackend) -> None:
    talk = Talk(backend)
    assert len(talk.guess(3)) == 3
    backend.cut(0, len(talk.tokens) - 1)
    assert talk.guess(3) == [], "what the model thought before the last token is gone"
    talk.go_on()
    assert talk.guess(3) == talk.go_on(3)


@pytest.mark.parametrize("length", [1, 30, len(PROMPT)])
def test_a_slot_that_was_cut_back_or_copied_gets_draft_tokens_again(backend: LlamaBackend, length: int) -> None:
    talk = Talk(backend)
    talk.go_on(3)
    talk.guess(3)
    backend.copy(0, 2, length)
    other = Talk.__new__(Talk)
    other.backend, other.slot, other.sampler, other.tokens = backend, 2, talk.sampler, [*PROMPT[:length], 80, 81, 82]
    other.read(length)
    assert other.guess(3) == other.go_on(3)
    backend.cut(0, length)
    talk.tokens = [*PROMPT[:length], 85]
    talk.read(length)
    assert talk.guess(3) == talk.go_on(3)


def test_a_conversation_that_comes_back_gets_draft_tokens_from_there_on(backend: LlamaBackend) -> None:
    talk = Talk(backend)
    state = backend.save(0)
    backend.cut(0, 0)
    assert backend.restore(0, state)
    talk.go_on()
    assert talk.guess(3) == talk.go_on(3)


@pytest.mark.parametrize("tokens", [KEPT - 2, KEPT + 2, PATIENCE + 10, 3 * PATIENCE])
def test_after_a_while_without_draft_tokens_they_begin_again(backend: LlamaBackend, tokens: int) -> None:
    talk = Talk(backend)
    talk.guess(2)
    talk.go_on(tokens)
    talk.guess(1)
    talk.go_on()
    assert talk.guess(3) == talk.go_on(3)


def test_a_layer_that_nobody_asks_sleeps(backend: LlamaBackend) -> None:
    talk = Talk(backend)
    layer = backend.mtp_layer
    assert layer is not None
    talk.go_on(PATIENCE + 1)
    assert layer.asleep
    talk.go_on(2 * KEPT)
    assert talk.guess(3) == []
    talk.go_on()
    assert talk.guess(3) == talk.go_on(3)


def test_what_llama_cpp_refuses_costs_only_the_drafts(backend: LlamaBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(backend)
    with monkeypatch.context() as refusing:
        refusing.setattr(lib, "llama_decode", lambda *_: 1)
        assert talk.guess(3) == []
    talk.go_on()
    assert talk.guess(3) == talk.go_on(3)


@contextmanager
def eager(path: Path, *, mtp: bool, offload: int = 0) -> Iterator[Engine]:
    """Yield an engine to which draft tokens are always worth it, if it can make them."""
    backend = load(path, mtp=mtp, offload=offload)
    yield Engine(backend, "model", prompt_lookup=False, costs=known_costs(backend, lambda rows: 1e-9, 1.0))
    backend.close()


def alone_and_in_a_crowd(engine: Engine, **params: Any) -> list[str]:
    answers = []
    for chats in (1, 4):
        asked = [ask(engine, [*PROMPT, 66 + chat], user=str(chat), tokens=60, seed=chat, **params) for chat in range(chats)]
        run(engine, *asked)
        answers += [collect(sequence)[0] for sequence in asked]
    return answers


@pytest.mark.parametrize("temperature", [0.0, 0.3])
@pytest.mark.parametrize("knows", [True, False])
def test_answers_are_the_same_with_the_layer_and_without(forgetful: Path, lively: Path, knows: bool, temperature: float) -> None:
    found = []
    for mtp in (False, True):
        with eager(forgetful if knows else lively, mtp=mtp) as engine:
            found.append(alone_and_in_a_crowd(engine, temperature=temperature))
            metrics = engine.metrics()
        assert (metrics.mtp_tokens > 0) == mtp
        assert metrics.mtp_accepted > 200 or not mtp or not knows
    assert found[0] == found[1]


def a_busy_day(engine: Engine) -> list[str]:
    """Ask in a conversation that continues, one with the same beginning, one that is cancelled, and others that take their slots."""
    answers = []

    def answer(prompt: list[int], user: str) -> list[int]:
        sequence = ask(engine, prompt, user=user, tokens=30, temperature=0)
        run(engine, sequence)
        answers.append(collect(sequence)[0])
        return sequence.tokens

    first = answer(PROMPT, "ann")
    answer([*first, 70, 71], "ann")
    answer([*PROMPT[:60], 90, 91], "bob")
    gone = ask(engine, [*PROMPT, 88], user="cid", tokens=200, temperature=0)
    for _ in range(6):
        engine.step()
    engine.cancel(gone)
    for user in range(5):
        answer([(72 + user + step * (user + 3)) % 90 + 33 for step in range(100)], str(user))
    answer([*first, 75, 76], "ann")
    return answers


def test_answers_are_the_same_through_reuse_cancel_and_offload(forgetful: Path) -> None:
    with eager(forgetful, mtp=False, offload=10_000_000) as plain, eager(forgetful, mtp=True, offload=10_000_000) as engine:
        assert a_busy_day(engine) == a_busy_day(plain)
        metrics = engine.metrics()
    assert metrics.restored_tokens > 0 and metrics.cached_tokens > metrics.restored_tokens
    assert metrics.mtp_accepted > 100


def test_a_model_without_the_layer_has_no_second_context(architecture: str, tmp_path: Path) -> None:
    backend = load(make_gguf(tmp_path / "a.gguf", architecture, context=512), mtp=False)
    assert not backend.can_draft
    engine = Engine(backend, "model")
    sequence = ask(engine, PROMPT, tokens=20, temperature=0)
    run(engine, sequence)
    assert (len(collect(sequence)[0]), engine.metrics().mtp_tokens) == (20, 0)
    backend.close()
