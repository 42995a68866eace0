from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InvalidInput
from models.gguf.facts import fingerprint, model_name, read_facts
from samples.gguf_maker import make_gguf
from tests.unit.models.raw_gguf import RawGguf, glm_entries, number_entry, string_entry, tensor

GUIDE = Path(__file__).parents[4] / "models" / "guide" / "guide.gguf"


def test_the_guide_is_described() -> None:
    facts = read_facts(GUIDE)
    assert (facts.file.name, facts.file.architecture, facts.file.quantization) == ("guide", "glm4", "Q8_0")
    assert (facts.file.context, facts.file.layers, facts.file.parameters, facts.vocabulary) == (1024, 4, 4_724_992, 3072)
    assert not facts.file.thinking


def test_a_template_that_mentions_thinking_makes_a_thinking_model(tmp_path: Path) -> None:
    assert read_facts(make_gguf(tmp_path / "a.gguf")).file.thinking
    assert not read_facts(make_gguf(tmp_path / "b.gguf", template="{{ messages }}")).file.thinking


def test_multi_head_latent_attention_has_one_compressed_entry(tmp_path: Path) -> None:
    facts = read_facts(make_gguf(tmp_path / "a.gguf", "deepseek2"))
    assert facts.latent_length == 32 + 16


def test_layers_that_choose_what_they_attend_to_keep_keys_to_choose_by(tmp_path: Path) -> None:
    assert read_facts(make_gguf(tmp_path / "a.gguf", "glm-dsa", layers=3)).index_length == 3 * 64
    pooled = read_facts(make_gguf(tmp_path / "b.gguf", "glm5-next", layers=3))
    assert (pooled.kv_heads, pooled.latent_length, pooled.index_length) == ((1, 0, 1), 32, 2 * 3 * 64)
    assert pooled.state_length == 4 * 16 * 16 + 3 * 3 * 4 * 16


def test_of_a_million_tokens_only_every_fourth_layer_chooses(tmp_path: Path) -> None:
    """GLM-5.2, whose files need not say which; llama.cpp's table: 0, 1, 2, 6, 10..."""
    facts = read_facts(make_gguf(tmp_path / "a.gguf", "glm-dsa", layers=11, context=1 << 20))
    assert facts.index_length == 5 * 64


def test_a_layer_that_drafts_tokens_is_none_of_the_models_own(tmp_path: Path) -> None:
    plain = read_facts(make_gguf(tmp_path / "a.gguf", "glm4moe"))
    more = read_facts(make_gguf(tmp_path / "b.gguf", "glm4moe", next_layer=True))
    assert (more.file.layers, more.kv_heads) == (plain.file.layers, plain.kv_heads) == (2, (2, 2))
    assert (more.weights_bytes, more.layer_bytes, plain.next_layer_bytes) == (plain.weights_bytes, plain.layer_bytes, 0)
    assert more.next_layer_bytes > plain.layer_bytes / 2


@pytest.mark.parametrize("architecture", ["glm4", "glm5-next"])
def test_a_next_token_layer_that_llama_cpp_cannot_run_is_left_alone(tmp_path: Path, architecture: str) -> None:
    facts = read_facts(make_gguf(tmp_path / "a.gguf", architecture, next_layer=True))
    assert (facts.file.layers, facts.next_layer_bytes) == (2, 0)


def test_a_next_token_layer_without_its_tensors_is_none(tmp_path: Path) -> None:
    """llama.cpp would end the process."""
    entries = [*glm_entries("glm4moe"), number_entry("glm4moe.nextn_predict_layers", 1)]
    assert read_facts(RawGguf(entries=entries).write(tmp_path / "a.gguf")).next_layer_bytes == 0


def test_more_next_token_layers_than_layers_are_refused(tmp_path: Path) -> None:
    entries = [*glm_entries("glm4moe"), number_entry("glm4moe.nextn_predict_layers", 99)]
    with pytest.raises(InvalidInput, match="99 of its"):
        read_facts(RawGguf(entries=entries).write(tmp_path / "a.gguf"))


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "clip", "glm99"])
def test_another_architecture_is_refused_by_name(tmp_path: Path, architecture: str) -> None:
    path = RawGguf(entries=glm_entries(architecture)).write(tmp_path / "a.gguf")
    with pytest.raises(InvalidInput, match=f"architecture '{architecture}', which is not a GLM"):
        read_facts(path)


@pytest.mark.parametrize("key", ["context_length", "block_count", "attention.head_count", "embedding_length"])
def test_a_shape_that_is_missing_or_zero_is_refused(tmp_path: Path, key: str) -> None:
    entries = [entry for entry in glm_entries() if f"glm4.{key}".encode() not in entry or b"head_count_kv" in entry]
    for extra in ([], [number_entry(f"glm4.{key}", 0)], [string_entry(f"glm4.{key}", "many")]):
        with pytest.raises(InvalidInput, match=f"glm4.{key} is"):
            read_facts(RawGguf(entries=[*entries, *extra]).write(tmp_path / "a.gguf"))


def test_a_billion_layers_are_refused(tmp_path: Path) -> None:
    entries = [entry for entry in glm_entries() if b"block_count" not in entry]
    with pytest.raises(InvalidInput, match="1,000,000,000 layers"):
        read_facts(RawGguf(entries=[*entries, number_entry("glm4.block_count", 10**9)]).write(tmp_path / "a.gguf"))


def test_the_fingerprint_tells_namesakes_apart(tmp_path: Path) -> None:
    one, same, other = (read_facts(make_gguf(tmp_path / f"{name}.gguf", seed=seed)) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    assert len(fingerprint(one)) == 12
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)


def test_a_changed_weight_in_the_middle_changes_the_fingerprint(tmp_path: Path) -> None:
    facts = read_facts(make_gguf(tmp_path / "a.gguf"))
    before = fingerprint(facts)
    content = bytearray(facts.file.path.read_bytes())
    content[len(content) // 2] ^= 1
    facts.file.path.write_bytes(content)
    assert fingerprint(facts) != before


def test_a_missing_precision_is_that_of_most_bytes(tmp_path: Path) -> None:
    tensors = [tensor("a", (32,)), tensor("b", (4096,), kind=8, offset=128)]
    assert read_facts(RawGguf(tensors=tensors, data=8192).write(tmp_path / "a.gguf")).file.quantization == "Q8_0"


def split_part(number: int, count: int) -> RawGguf:
    entries = glm_entries() if number == 1 else [string_entry("general.name", "part")]
    return RawGguf(entries=[*entries, number_entry("split.count", count)])


def test_a_split_model_counts_all_its_parts(tmp_path: Path) -> None:
    paths = [split_part(number, 2).write(tmp_path / f"big-0000{number}-of-00002.gguf") for number in (1, 2)]
    facts = read_facts(paths[0])
    assert facts.file.name == "big"
    assert facts.parts == tuple(paths)
    assert facts.file.size_bytes == sum(path.stat().st_size for path in paths)


def test_a_split_model_without_all_its_parts_names_the_missing(tmp_path: Path) -> None:
    path = split_part(1, 3).write(tmp_path / "big-00001-of-00003.gguf")
    with pytest.raises(InvalidInput, match=r"missing: big-00002-of-00003.gguf, big-00003-of-00003.gguf"):
        read_facts(path)


def test_a_truncated_part_is_refused(tmp_path: Path) -> None:
    first = split_part(1, 2).write(tmp_path / "big-00001-of-00002.gguf")
    second = split_part(2, 2).write(tmp_path / "big-00002-of-00002.gguf")
    second.write_bytes(second.read_bytes()[:-64])
    with pytest.raises(InvalidInput, match=r"big-00002-of-00002.gguf is truncated: 64 of"):
        read_facts(first)


def test_a_name_is_the_files_without_its_ending() -> None:
    assert model_name(Path("GLM-4-9B-0414-Q4_K_M.gguf")) == "GLM-4-9B-0414-Q4_K_M"
