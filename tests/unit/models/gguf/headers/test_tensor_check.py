"""A file that does not fit its architecture is refused with a sentence before llama.cpp sees it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from core.errors import InvalidInput
from models.gguf.facts import read_facts
from models.gguf.headers.header import TENSOR_TYPES, read_header
from models.gguf.headers.tensor_check import check_model
from models.gguf.headers.tensor_tables import MATRIX
from samples.gguf_maker import LATENT_SHAPES, SHAPES, make_gguf
from tests.hostile_ggufs import cases, write
from tests.vector_gguf_maker import make_bert, make_causal

GUIDE = Path(__file__).parents[5] / "models" / "guide" / "guide.gguf"
KNOWN = {case.name: case for case in cases()}


def check(path: Path) -> None:
    header = read_header(path)
    check_model([header], str(header.metadata["general.architecture"]))


def refused(name: str, folder: Path, words: str) -> None:
    path = write(KNOWN[name].changed, folder / "hostile.gguf")
    with pytest.raises(InvalidInput, match=words):
        check(path)


def test_the_guide_fits() -> None:
    check(GUIDE)


@pytest.mark.parametrize("architecture", SHAPES)
@pytest.mark.parametrize("quantization", ["F16", "Q8_0", "Q4_0"])
def test_sound_models_fit(tmp_path: Path, architecture: str, quantization: str) -> None:
    check(make_gguf(tmp_path / "a.gguf", architecture, quantization=quantization, layers=3, next_layer=architecture != "chatglm"))


def test_sound_models_for_vectors_fit(tmp_path: Path) -> None:
    for pooling in ("mean", "cls", "rank", None):
        check(make_bert(tmp_path / "a.gguf", pooling))
    check(make_bert(tmp_path / "b.gguf", "rank", classes=3))
    check(make_causal(tmp_path / "c.gguf", "rank"))


@pytest.mark.parametrize("architecture", SHAPES)
@pytest.mark.parametrize(
    ("tensor", "kind"),
    [("blk.0.attn_norm.weight", "F16"), ("output_norm.weight", "BF16"), ("token_embd.weight", "I32"), ("token_embd.weight", "I8"),
     ("output.weight", "F64")],
)  # fmt: skip
def test_a_type_that_llama_cpp_cannot_compute_with_is_refused(tmp_path: Path, architecture: str, tensor: str, kind: str) -> None:
    refused(f"{architecture} {tensor} as {kind}", tmp_path, rf"its tensor {tensor} does not fit the architecture .*not {kind}")


def test_queries_as_whole_numbers_are_refused(tmp_path: Path) -> None:
    refused("glm4 blk.0.attn_q.weight as I32", tmp_path, "blk.0.attn_q.weight .*not I32")


@pytest.mark.parametrize("value", [3, 7, 65_537])
@pytest.mark.parametrize("architecture", SHAPES)
def test_an_odd_number_of_rotated_values_is_refused(tmp_path: Path, architecture: str, value: int) -> None:
    refused(f"{architecture} {architecture}.rope.dimension_count={value}", tmp_path, "rope.dimension_count is .* but must be")


@pytest.mark.parametrize("architecture", [name for name in SHAPES if name != "glm5-next"])
def test_no_rotated_values_are_refused_for_no_decode_would_end(tmp_path: Path, architecture: str) -> None:
    refused(f"{architecture} {architecture}.rope.dimension_count=0", tmp_path, "an even number from 2 to")


@pytest.mark.parametrize("value", ["-1.0", "-1e-06", "nan", "inf", "1e+30"])
@pytest.mark.parametrize("architecture", SHAPES)
def test_an_epsilon_that_is_negative_or_no_number_is_refused(tmp_path: Path, architecture: str, value: str) -> None:
    refused(f"{architecture} {architecture}.attention.layer_norm_rms_epsilon={value}", tmp_path, "must be a number from 0 to 0.1")


@pytest.mark.parametrize("architecture", SHAPES)
def test_another_shape_is_refused_with_both(tmp_path: Path, architecture: str) -> None:
    tensor = "blk.0.attn_kv_a_mqa.weight" if architecture in LATENT_SHAPES else "blk.0.attn_k.weight"
    refused(f"{architecture} {tensor} turned", tmp_path, rf"{tensor} .*its shape is \d+ x 64 instead of 64 x \d+")


def test_a_tensor_of_a_layer_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused("glm4 glm4.block_count=1", tmp_path, "blk.1.*the model has 1 layers")


def test_no_number_is_a_matrix_of_whole_numbers() -> None:
    assert {"F32", "F16", "BF16", "Q4_0", "Q8_0", "Q4_K", "IQ4_XS", "MXFP4"} < MATRIX
    assert not MATRIX & {"I8", "I16", "I32", "I64", "F64", "Q8_1", "Q8_K"} and len(MATRIX) == len(TENSOR_TYPES) - 7


def test_every_changed_file_is_read_or_refused_in_words(tmp_path: Path) -> None:
    """Each eleventh of the corpus, without llama.cpp: nothing but a sentence ever comes out."""
    refusals = []
    for case in islice(cases(), 0, None, 11):
        path = write(case.changed, tmp_path / "hostile.gguf")
        try:
            facts = read_facts(path)
            check_model(facts.headers, facts.file.architecture)
        except InvalidInput as error:
            refusals.append(str(error))
    assert [words for words in refusals if not words.endswith(".") or not words.isprintable()] == []
    assert len(refusals) > 450
