"""A child process loads a file and decodes with it before the real load."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core.errors import ModelFailed
from core.models.load_settings import LoadSettings
from models.engine.llama.options import BackendOptions
from models.gguf.facts import read_facts
from models.trials import load_trial
from models.trials.load_trial import Crashed, try_to_load
from samples.gguf_maker import SHAPES, make_adapter, make_gguf
from tests.hostile_ggufs import cases, outcomes, write
from tests.this_machine import EXTRA_BUFFERS, load_options, plan_here
from tests.vector_gguf_maker import make_bert, make_causal

KNOWN = {case.name: case for case in cases()}
CHAT = BackendOptions(context=256, slots=3, extra_buffers=EXTRA_BUFFERS)
"""For a file that is refused; what is sound takes what this machine can do."""


def hostile(name: str, folder: Path) -> Path:
    return write(KNOWN[name].changed, folder / "hostile.gguf")


@pytest.mark.parametrize("architecture", SHAPES)
def test_sound_models_pass(tmp_path: Path, architecture: str) -> None:
    path = make_gguf(tmp_path / "a.gguf", architecture)
    try_to_load(path, load_options(path, context=256, slots=3))


def test_a_model_passes_with_its_adapters_and_its_next_token_layer(tmp_path: Path) -> None:
    model = make_gguf(tmp_path / "a.gguf", "glm4moe", next_layer=True)
    adapter = make_adapter(tmp_path / "b.gguf", "glm4moe", layers=1)
    try_to_load(model, load_options(model, context=256, slots=2, mtp=True, adapters=[(-7, str(adapter), 1.0)]))


def test_an_adapter_that_makes_no_numbers_is_refused(tmp_path: Path) -> None:
    model = make_gguf(tmp_path / "a.gguf")
    adapter = make_adapter(tmp_path / "b.gguf", strength=float("nan"))
    with pytest.raises(ModelFailed, match="computes NaN"):
        try_to_load(model, load_options(model, context=256, slots=2, adapters=[(-7, str(adapter), 1.0)]))


@pytest.mark.parametrize("slots", [1, 3, 7, 64])
def test_models_for_vectors_pass_with_any_number_of_texts(tmp_path: Path, slots: int) -> None:
    """With 3, llama.cpp used to abort: 512 tokens do not come out even."""
    for path in (make_bert(tmp_path / "a.gguf"), make_bert(tmp_path / "b.gguf", "rank"), make_causal(tmp_path / "c.gguf")):
        try_to_load(path, plan_here(read_facts(path), LoadSettings(slots=slots)).options)


def test_a_model_for_the_gpu_is_tried_on_the_processor(tmp_path: Path) -> None:
    gpu = {"gpu_layers": -1, "batch_tokens": 2_048, "split_mode": "none", "main_gpu": 1}
    options = BackendOptions(context=32_768, slots=16, extra_buffers=EXTRA_BUFFERS, **gpu)
    try_to_load(make_gguf(tmp_path / "a.gguf"), options)


@pytest.mark.parametrize(
    "name",
    ["glm4 blk.0.attn_norm.weight as F16", "glm4 blk.0.attn_q.weight as I32", "glm4 token_embd.weight as I8",
     "glm4 output.weight as F64", "glm4 glm4.attention.layer_norm_rms_epsilon=-1.0", "glm4 glm4.rope.dimension_count=3"],
)  # fmt: skip
def test_what_would_end_the_process_ends_the_child(tmp_path: Path, name: str) -> None:
    """Files that the tables refuse, past the tables: what they do not know ends like this."""
    with pytest.raises(Crashed) as crash:
        try_to_load(hostile(name, tmp_path), CHAT)
    assert str(crash.value).startswith("llama.cpp crashed (SIG") and "while testing hostile.gguf" in str(crash.value)
    assert "ASSERT" not in str(crash.value) and "/" not in str(crash.value)


def test_a_decode_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_trial, "TIMEOUT_S", 3.0)
    begin = time.monotonic()
    with pytest.raises(ModelFailed, match=r"The test of hostile.gguf did not finish in 3 s"):
        try_to_load(hostile("glm4 glm4.rope.dimension_count=0", tmp_path), CHAT)
    assert time.monotonic() - begin < 60


def test_an_embedding_that_would_end_the_process_ends_the_child(tmp_path: Path) -> None:
    with pytest.raises(Crashed):
        try_to_load(
            hostile("bert blk.0.attn_output_norm.weight as F16", tmp_path),
            BackendOptions(context=128, slots=2, pooling="mean", extra_buffers=EXTRA_BUFFERS),
        )


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFailed, match="computes NaN"):
        try_to_load(hostile("glm4 output_norm.weight all nan", tmp_path), CHAT)


def test_a_load_that_is_not_wanted_any_more_ends_its_trial(tmp_path: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(ModelFailed, match="cancelled"):
        try_to_load(hostile("glm4 glm4.rope.dimension_count=0", tmp_path), CHAT, lambda: False)
    assert time.monotonic() - begin < 30


def test_no_hostile_file_ends_the_process(tmp_path: Path) -> None:
    """A small part of the corpus, loaded and asked; `python -m tests.hostile_ggufs` loads all of it."""
    names = [name for place, name in enumerate(KNOWN) if place % 229 == 17]
    found = list(outcomes(names))
    assert [each for each in found if each[1] == "died"] == []
    assert len(found) == len(names) > 35
    for name, what, words in found:
        assert what == "answered" or (words.endswith(".") and words.isprintable() and "/" not in words), (name, words)
