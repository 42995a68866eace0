from __future__ import annotations

import ctypes

import numpy as np
import pytest
from numpy.typing import NDArray

from core.inference.requests import SamplingParams
from models.engine.llama import native
from models.engine.llama.native import lib
from models.engine.sampling.sampler import new_chain
from models.engine.sampling.top_chain import LARGE, TopChain, wants_only
from models.engine.sampling.top_tokens import TopTokens

VOCABULARY = 151_552


def sampled(chain: TopChain, logits: NDArray[np.float32]) -> int:
    if chain.top == 1:
        return chain.most_likely(logits)
    bounds = np.array([chain.bound], np.float32)
    [likely] = TopTokens(VOCABULARY).find(logits[None, :], [chain.top], bounds)
    chain.bound = float(bounds[0])
    return chain.sample(logits, likely)


@pytest.mark.parametrize("params", [
    SamplingParams(temperature=0.8, top_k=40, top_p=0.95, seed=1),
    SamplingParams(temperature=1.5, top_k=7, min_p=0.01, seed=2),
    SamplingParams(temperature=0.6, top_k=256, top_p=0.9, repeat_penalty=1.3, seed=3),
    SamplingParams(temperature=0),
])  # fmt: skip
def test_the_likeliest_tokens_alone_give_the_same_answer(params: SamplingParams) -> None:
    native.start()
    rng = np.random.default_rng(5)
    whole = new_chain(params, [5, 6], VOCABULARY)
    top = wants_only(params, VOCABULARY)
    assert top is not None
    short = TopChain(new_chain(params, [5, 6], VOCABULARY), top)
    candidates = np.zeros(VOCABULARY, [("id", np.int32), ("logit", np.float32), ("p", np.float32)])
    for step in range(30):
        logits = (rng.standard_normal(VOCABULARY, dtype=np.float32) * rng.uniform(0.5, 4) + 20 * (step % 3)).astype(np.float32)
        candidates["id"], candidates["logit"] = np.arange(VOCABULARY), logits
        data = ctypes.cast(candidates.ctypes.data, ctypes.POINTER(lib.llama_token_data))
        array = lib.llama_token_data_array(data, VOCABULARY, -1, False)
        lib.llama_sampler_apply(whole, ctypes.byref(array))
        expected = array.data[array.selected].id
        lib.llama_sampler_accept(whole, expected)
        assert sampled(short, logits) == expected
    short.free()
    lib.llama_sampler_free(whole)


def test_equal_logits_are_no_trouble() -> None:
    native.start()
    chain = TopChain(new_chain(SamplingParams(temperature=1.0, top_k=40, seed=1), [], VOCABULARY), 40)
    assert 0 <= sampled(chain, np.zeros(VOCABULARY, np.float32)) < VOCABULARY
    chain.free()


@pytest.mark.parametrize("params", [
    SamplingParams(temperature=1.0),
    SamplingParams(temperature=1.0, top_k=5000),
    SamplingParams(temperature=1.0, top_k=40, logit_bias=((1, -100),)),
    SamplingParams(temperature=1.0, top_k=40, frequency_penalty=0.5),
    SamplingParams(temperature=0, repeat_penalty=1.2),
])  # fmt: skip
def test_chains_that_need_more_get_everything(params: SamplingParams) -> None:
    assert wants_only(params, VOCABULARY) is None


def test_small_vocabularies_are_left_to_llama_cpp() -> None:
    assert wants_only(SamplingParams(temperature=1.0, top_k=40), LARGE - 1) is None
