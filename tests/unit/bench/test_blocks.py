from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import gguf
import numpy as np
import pytest

from bench.engine_parts import blocks
from bench.engine_parts.blocks import NINE, SMALL, Blocks
from bench.engine_parts.synthetic import FIRST_WORD, words
from models.engine.backend import Decoded, Part
from models.engine.llama.backend import LlamaBackend
from models.gguf.facts import read_facts
from models.gguf.headers.header import read_header
from tests.this_machine import load_options


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> gguf.GGUFReader:
    return gguf.GGUFReader(blocks.make(tmp_path_factory.mktemp("model"), SMALL))


def test_weights_are_finite_with_the_spread_that_was_asked_for(small: gguf.GGUFReader) -> None:
    asked = {each.name: each for each in blocks.tensors(SMALL) if isinstance(each, Blocks)}
    kinds = set()
    for tensor in small.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        assert np.isfinite(values).all()
        if (wanted := asked.get(tensor.name)) is not None:
            first, end = wanted.said or (0, wanted.rows)
            loud = values[first:end]
            assert np.std(loud) == pytest.approx(wanted.spread, rel=0.05), tensor.name
            assert abs(np.mean(loud)) < 0.1 * wanted.spread, tensor.name
            assert not values[:first].any() and not values[end:].any()
            kinds.add(wanted.kind.name)
    assert kinds == {"Q4_K", "Q6_K", "Q5_0", "Q8_0"}


def test_only_words_are_ever_said(small: gguf.GGUFReader) -> None:
    output = next(each for each in small.tensors if each.name == "output.weight")
    said = gguf.quants.dequantize(output.data, output.tensor_type).any(axis=1)
    assert list(np.flatnonzero(said)) == list(range(FIRST_WORD, words(SMALL)))


def test_it_computes_without_overflow(tmp_path: Path) -> None:
    path = blocks.make(tmp_path, SMALL)
    backend = LlamaBackend(path, load_options(path, context=256, slots=1))
    try:
        assert backend.decode([Part(0, 0, range(FIRST_WORD, FIRST_WORD + 100), True)]) is Decoded.DONE
        logits = backend.logits(0)
        assert np.isfinite(logits).all()
        assert FIRST_WORD <= logits.argmax() < words(SMALL) and logits.max() > 3
    finally:
        backend.close()


def test_the_header_has_the_numbers_of_glm_4_9b(tmp_path: Path) -> None:
    path = tmp_path / blocks.file_name(NINE)
    blocks.begin(path, NINE).close()
    os.truncate(path, path.stat().st_size + 64 + sum(each.bytes for each in blocks.tensors(NINE)))
    facts, header = read_facts(path), read_header(path)
    assert (facts.file.architecture, facts.file.quantization) == ("glm4", "Q4_K_M")
    assert (facts.vocabulary, facts.embedding, facts.feed_forward) == (151_552, 4_096, 13_696)
    assert (facts.heads, facts.kv_heads, facts.key_length, facts.value_length) == (32, (2,) * 40, 128, 128)
    assert header.metadata["glm4.context_length"] == 32_768
    assert header.metadata["glm4.rope.dimension_count"] == 64
    assert header.metadata["glm4.attention.layer_norm_rms_epsilon"] == pytest.approx(1e-5)
    assert facts.weights_bytes == pytest.approx(6.17e9, rel=0.01)  # as published files are


def test_types_are_mixed_as_the_quantizer_does() -> None:
    kinds = {each.name: each.kind.name for each in blocks.tensors(NINE) if isinstance(each, Blocks)}
    assert (kinds["token_embd.weight"], kinds["output.weight"]) == ("Q4_K", "Q6_K")
    assert Counter(kind for name, kind in kinds.items() if "attn_v" in name) == {"Q4_K": 20, "Q6_K": 20}
    assert Counter(kind for name, kind in kinds.items() if "ffn_down" in name) == {"Q5_0": 20, "Q8_0": 20}
    assert {kind for name, kind in kinds.items() if "ffn_up" in name or "attn_q" in name or "attn_output" in name} == {"Q4_K"}


def test_a_token_reads_all_weights_but_the_embeddings_and_what_is_remembered() -> None:
    embeddings = next(each.bytes for each in blocks.tensors(NINE) if each.name == "token_embd.weight")
    assert blocks.token_cells(NINE) == 40 * 1024
    assert blocks.token_bytes(NINE, 100) == sum(each.bytes for each in blocks.tensors(NINE)) - embeddings + 100 * 40 * 1024
