from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InvalidInput
from core.models.load_settings import Adapter, LoadSettings
from models.gguf.adapters import check_matches, choose, read_adapter
from models.gguf.facts import read_facts
from models.gguf.folder import Catalog
from models.gguf.headers.header import read_header
from samples.gguf_maker import make_adapter, make_gguf


def test_an_adapter_tells_what_it_was_made_for(tmp_path: Path) -> None:
    facts = read_adapter(make_adapter(tmp_path / "legal.gguf", rank=4))
    assert (facts.file.name, facts.file.architecture, facts.file.rank, facts.file.error) == ("legal", "glm4", 4, None)
    assert facts.pairs["blk.0.attn_output.weight"] == ((64, 4), (4, 64))


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"general.type": "model"}, "is not an adapter"),
        ({"general.type": "mmproj"}, "is not an adapter"),
        ({"adapter.type": "control_vector"}, "not a LoRA adapter"),
    ],
)
def test_what_is_no_lora_adapter_is_refused_in_words(tmp_path: Path, metadata: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_adapter(make_adapter(tmp_path / "a.gguf", **metadata))


def test_a_cut_adapter_is_refused(tmp_path: Path) -> None:
    path = make_adapter(tmp_path / "a.gguf")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InvalidInput, match="is truncated"):
        read_adapter(path)


def test_a_model_is_no_adapter_and_an_adapter_no_model(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not an adapter"):
        read_adapter(make_gguf(tmp_path / "m.gguf"))
    with pytest.raises(InvalidInput, match="is a LoRA adapter"):
        read_facts(make_adapter(tmp_path / "a.gguf"))


@pytest.mark.parametrize("architecture", ["glm4", "chatglm", "glm4moe", "deepseek2"])
def test_an_adapter_fits_the_model_it_was_made_for_and_no_other(tmp_path: Path, architecture: str) -> None:
    model = make_gguf(tmp_path / "m.gguf", architecture)
    tensors = {tensor.name: tensor.shape for tensor in read_header(model).tensors}
    layers = 1 if architecture in ("glm4moe", "deepseek2") else 2
    check_matches(read_adapter(make_adapter(tmp_path / "a.gguf", architecture, layers=layers)), "m", architecture, tensors)
    with pytest.raises(InvalidInput, match="was made for the architecture"):
        other = "chatglm" if architecture == "glm4" else "glm4"
        check_matches(read_adapter(make_adapter(tmp_path / "b.gguf", other, layers=layers)), "m", architecture, tensors)
    with pytest.raises(InvalidInput, match=r"its blk\.\d\.\w+\.weight does not fit m"):
        check_matches(read_adapter(make_adapter(tmp_path / "c.gguf", architecture, layers=5)), "m", architecture, tensors)


def test_the_key_is_the_same_after_a_restart_and_another_for_another_scale_or_file(tmp_path: Path) -> None:
    one, other = make_adapter(tmp_path / "a.gguf"), make_adapter(tmp_path / "b.gguf", seed=2)
    keys = [choose(Adapter("x", path, scale)).key for path, scale in ((one, 1.0), (one, 1.0), (one, 0.5), (other, 1.0))]
    assert keys[0] == keys[1] and len(set(keys)) == 3
    assert all(-(2**31) <= key < 0 for key in keys)


def test_the_folder_lists_adapters_beside_models(tmp_path: Path) -> None:
    make_gguf(tmp_path / "m.gguf")
    make_adapter(tmp_path / "a.gguf")
    make_adapter(tmp_path / "bad.gguf", **{"adapter.type": "other"})
    catalog = Catalog(tmp_path, tmp_path / "m.gguf")
    for _ in range(2):
        assert {file.name for file in catalog.files()} == {"m"}
        assert [(file.name, bool(file.error)) for file in catalog.adapters()] == [("a", False), ("bad", True)]


@pytest.mark.parametrize("name", ["", "a:b", "a/b", "a b", "x" * 65])
def test_a_name_that_could_not_be_asked_for_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="is not a valid adapter name"):
        Adapter(name, Path("a.gguf"))


def test_two_adapters_cannot_have_one_name() -> None:
    with pytest.raises(InvalidInput, match="a unique name"):
        LoadSettings(adapters=(Adapter("a", Path("a.gguf")), Adapter("a", Path("b.gguf"))))
