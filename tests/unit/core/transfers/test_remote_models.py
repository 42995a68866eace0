"""Which files of a repository belong together, and which names can be stored."""

from __future__ import annotations

import pytest

from core.errors import InvalidInput, NotFound
from core.models.catalogue import Listing, RemoteFile
from core.transfers.remote_models import check_name, choose, models_of, projector_of


def listing(*names: str) -> Listing:
    return Listing("main", tuple(RemoteFile(name, 10, "a" * 64) for name in names))


PARTS = tuple(f"Q8_0/glm-Q8_0-0000{number}-of-00003.gguf" for number in (1, 2, 3))


def test_parts_of_a_split_model_are_one_model_in_order() -> None:
    (model,) = models_of(listing(*reversed(PARTS), "README.md"))
    assert model.name == "glm-Q8_0" and tuple(file.name for file in model.files) == PARTS and model.size_bytes == 30


def test_a_split_model_with_a_missing_part_is_left_out() -> None:
    assert models_of(listing(*PARTS[:2])) == []


def test_a_projector_is_no_model_but_comes_along() -> None:
    files = listing("glm-Q4_K_M.gguf", "mmproj-BF16.gguf", "mmproj-F16.gguf", "mmproj-F32.gguf")
    assert [model.name for model in models_of(files)] == ["glm-Q4_K_M"]
    found = projector_of(files)
    assert found is not None and found.name == "mmproj-F16.gguf"
    chosen = choose(files, "Q4_K_M", projector=True, repository="a/b")
    assert [file.name for file in chosen.files] == ["glm-Q4_K_M.gguf", "mmproj-F16.gguf"]
    assert len(choose(files, "Q4_K_M", projector=False, repository="a/b").files) == 1


def test_a_quantization_means_itself_and_not_its_longer_namesake() -> None:
    files = listing("glm-UD-Q4_K_M.gguf", "glm-Q4_K_M.gguf", "glm-Q4_K_M_L.gguf", "iq4_k_m.gguf")
    assert choose(files, "Q4_K_M", projector=False, repository="a/b").name == "glm-Q4_K_M"
    assert choose(files, "UD-Q4_K_M", projector=False, repository="a/b").name == "glm-UD-Q4_K_M"
    assert choose(files, "glm-Q4_K_M_L", projector=False, repository="a/b").name == "glm-Q4_K_M_L"
    assert choose(listing(*PARTS), PARTS[1], projector=False, repository="a/b").name == "glm-Q8_0"


def test_what_is_not_there_is_said_with_what_is() -> None:
    with pytest.raises(NotFound, match=r"a/b has no GGUF file Q2_K\. It has: glm-Q4_K_M"):
        choose(listing("glm-Q4_K_M.gguf"), "Q2_K", projector=False, repository="a/b")


@pytest.mark.parametrize("name", ["智谱 模型-Q4_K_M.gguf", "GLM 4 🚀.gguf", "👩‍💻.gguf", "a.GGUF"])
def test_names_in_any_language_can_be_stored(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "..", "../x.gguf", "a/b.gguf", "a\\b.gguf", ".x.gguf", " x.gguf", ".gguf", "x.bin", "a\0.gguf", "a\u202e.gguf"),
        "x" * 300 + ".gguf",
    ],
)
def test_names_that_cannot_be_stored_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        check_name(name)
