"""The samplers that llama.cpp computes with the model, on the processor's backend: they give the tokens that the other path gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.engine_parts import synthetic
from core.inference.requests import SamplingParams
from models.engine.backend import Decoded, Part
from models.engine.engine import Engine
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.options import BackendOptions
from models.engine.sampling import gpu_candidates
from models.engine.sampling.top_chain import TopChain
from models.engine.sampling.top_tokens import TopTokens
from tests.this_machine import load_options
from tests.unit.models.engine.fake_model import collect, run

PROMPT = list(range(1000, 1012))
FEW = [
    SamplingParams(temperature=0, seed=1),
    SamplingParams(temperature=1.2, top_k=40, top_p=0.95, seed=2),
    SamplingParams(temperature=0.8, top_k=64, min_p=0.001, repeat_penalty=1.3, seed=3),
]
WHOLE = [
    SamplingParams(temperature=1.0, top_k=100, seed=4),
    SamplingParams(temperature=1.0, top_k=40, seed=5, logit_bias=((2000, 3.0),)),
    SamplingParams(temperature=1.0, top_k=40, seed=6, frequency_penalty=0.5),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BackendOptions]:
    path = synthetic.make(tmp_path_factory.mktemp("model"), synthetic.WIDE)
    return path, load_options(path, context=128, slots=6)


@pytest.fixture(scope="module")
def backends(model: tuple[Path, BackendOptions]) -> Iterator[tuple[LlamaBackend, LlamaBackend]]:
    """Without and with the samplers."""
    path, options = model
    both = LlamaBackend(path, options), LlamaBackend(path, replace(options, gpu_sampling=True))
    yield both
    for each in both:
        each.close()


def answers(backend: LlamaBackend, params: list[SamplingParams], count: int = 12) -> list[list[int]]:
    """Return the answers of as many slots, decoded together."""
    samplers = [backend.new_sampler(each, PROMPT) for each in params]
    tokens: list[list[int]] = [[] for _ in params]
    for slot, sampler in enumerate(samplers):
        backend.cut(slot, 0)
        backend.assign(slot, sampler)
    for step in range(count):
        parts = [
            Part(slot, len(PROMPT) + step - 1 if step else 0, own[-1:] if step else [slot, *PROMPT[1:]], wants_logits=True)
            for slot, own in enumerate(tokens)
        ]
        assert backend.decode(parts) is Decoded.DONE
        backend.prepare([(sampler, slot) for slot, sampler in enumerate(samplers)])
        for slot, (own, sampler) in enumerate(zip(tokens, samplers, strict=True)):
            own.append(backend.sample(sampler, slot))
    for sampler in samplers:
        backend.free_sampler(sampler)
    return tokens


def test_all_answers_have_the_same_tokens_at_any_temperature(backends: tuple[LlamaBackend, LlamaBackend]) -> None:
    plain, gpu = backends
    assert answers(gpu, FEW) == answers(plain, FEW)
    assert len({tuple(each) for each in answers(gpu, FEW)}) == len(FEW)


def test_only_candidates_are_copied_where_no_row_needs_more(
    backends: tuple[LlamaBackend, LlamaBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, gpu = backends
    monkeypatch.setattr(TopTokens, "find", lambda *_: pytest.fail("looked into all logits"))
    monkeypatch.setattr(TopChain, "most_likely", lambda *_: pytest.fail("looked into all logits"))
    answers(gpu, FEW)


def test_answers_that_need_all_logits_get_them_beside_others(backends: tuple[LlamaBackend, LlamaBackend]) -> None:
    plain, gpu = backends
    mixed = [each for pair in zip(FEW, WHOLE, strict=True) for each in pair]
    assert answers(gpu, mixed) == answers(plain, mixed)
    assert answers(gpu, mixed[::-1]) == answers(plain, mixed[::-1])  # The slots change what they need.
    assert answers(gpu, FEW) == answers(plain, FEW)


def test_each_draft_token_has_its_candidates(backends: tuple[LlamaBackend, LlamaBackend]) -> None:
    found = []
    for backend in backends:
        samplers = [backend.new_sampler(FEW[number], PROMPT) for number in (1, 0)]
        for slot, sampler in enumerate(samplers):
            backend.cut(slot, 0)
            backend.assign(slot, sampler)
        parts = [Part(0, 0, PROMPT, wants_logits=True, draft_tokens=4), Part(1, 0, PROMPT[:3], wants_logits=True)]
        assert backend.decode(parts) is Decoded.DONE
        backend.prepare([(sampler, slot) for slot, sampler in enumerate(samplers)])
        found.append([*(backend.sample(samplers[0], 0, draft) for draft in range(5)), backend.sample(samplers[1], 1)])
        for sampler in samplers:
            backend.free_sampler(sampler)
    assert found[0] == found[1]


def test_an_engine_answers_the_same_with_them(backends: tuple[LlamaBackend, LlamaBackend]) -> None:
    texts = []
    for backend in backends:
        for slot in range(backend.slots):
            backend.cut(slot, 0)
        engine = Engine(backend, "synthetic", prompt_lookup=False)
        sequences = [engine.submit([7 + number, *PROMPT], params, 10, "ann") for number, params in enumerate([*FEW, *WHOLE])]
        run(engine, *sequences)
        texts.append([collect(each)[0] for each in sequences])
    assert texts[0] == texts[1]


def test_a_device_without_the_operation_copies_all_logits(
    model: tuple[Path, BackendOptions], backends: tuple[LlamaBackend, LlamaBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_candidates, "SUPPORTED", b"-top-k")
    path, options = model
    other = LlamaBackend(path, replace(options, gpu_sampling=True))
    try:
        assert answers(other, FEW) == answers(backends[0], FEW)
    finally:
        other.close()
