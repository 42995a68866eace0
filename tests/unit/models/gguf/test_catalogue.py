"""The catalogue of known models is read strictly, and its memory plan uses the numbers of each entry."""

from __future__ import annotations

import pytest
import yaml

from core.errors import NotFound
from core.models.catalogue import Capability, Checked, Hub
from core.models.records import ModelKind
from models.gguf.catalogue import CATALOGUE, Catalogue, read_catalogue
from models.gguf.facts import GLM_ARCHITECTURES

ENTRY = yaml.safe_load(CATALOGUE.read_text("utf-8"))[0]


def written(**changes: object) -> str:
    return yaml.safe_dump([{**ENTRY, **changes}])


def test_the_catalogue_names_every_generation() -> None:
    titles = {entry.title for entry in Catalogue().entries()}
    assert titles >= {
        "GLM-4-9B-0414", "GLM-Z1-9B-0414", "GLM-4-32B-0414", "GLM-4.5-Air", "GLM-4.6", "GLM-4.7", "GLM-4.7-Flash", "GLM-5", "GLM-5.2",
        "GLM-Edge-1.5B-Chat", "GLM-4.1V-9B-Thinking", "GLM-4.5V", "GLM-4.6V",
    }  # fmt: skip
    assert {entry.kind for entry in Catalogue().entries()} == set(ModelKind) - {ModelKind.DETECTION}, "detectors are platforms"


def test_every_chat_model_has_an_architecture_that_loads_and_two_hubs() -> None:
    for entry in Catalogue().entries():
        assert {each.hub for each in entry.repositories} == set(Hub), entry.id
        assert entry.kind is not ModelKind.CHAT or entry.architecture in GLM_ARCHITECTURES, entry.id
        assert entry.checked in Checked


def test_a_size_that_nobody_listed_is_an_estimate() -> None:
    entry = Catalogue().entry("GLM-4.7-Flash")
    assert entry.quantization("q4_k_m").size_bytes == 18_470_000_000 and not entry.quantization("Q4_K_M").estimated
    glm = Catalogue().entry("glm-4-9b-0414").quantization("Q8_0")
    assert glm.estimated and glm.size_bytes == round(9_400_000_000 * 8.5 / 8)


def test_the_estimate_comes_within_five_percent_of_published_files() -> None:
    entry = Catalogue().entry("glm-4.7-flash")
    listed = {each.name: each.size_bytes for each in entry.quantizations}
    raw = next(each for each in yaml.safe_load(CATALOGUE.read_text("utf-8")) if each["id"] == entry.id)
    estimated = read_catalogue(yaml.safe_dump([{**raw, "sizes": {}}]))[0].quantizations
    assert all(each.estimated and abs(each.size_bytes / listed[each.name] - 1) < 0.05 for each in estimated)


def test_an_unknown_model_and_an_unknown_quantization_are_not_found() -> None:
    with pytest.raises(NotFound, match="no model GLM-99"):
        Catalogue().entry("GLM-99")
    with pytest.raises(NotFound, match="Choose one of: Q4_K_M"):
        Catalogue().entry("glm-4-9b-0414").quantization("Q1_0")


def test_the_plan_of_an_entry_uses_its_layers_and_heads() -> None:
    known = Catalogue()
    entry = known.entry("glm-4-9b-0414")
    plan = known.plan(entry, entry.quantization("Q4_K_M"))
    assert plan.weights_bytes == 6_200_000_000
    tokens = plan.shared_tokens or plan.slots * plan.context
    assert plan.context_bytes == tokens * 40 * 1024, "GLM-4-9B takes 40 KiB of 16-bit context for each token"
    flash = known.entry("glm-4.7-flash")
    compressed = known.plan(flash, flash.quantization("Q4_K_M"))
    assert compressed.context_bytes == (compressed.shared_tokens or compressed.slots * compressed.context) * 47 * 576 * 2


def test_every_entry_can_be_planned() -> None:
    known = Catalogue()
    for entry in known.entries():
        for quantization in entry.quantizations:
            assert known.plan(entry, quantization).needed_bytes > quantization.size_bytes


@pytest.mark.parametrize(
    "changes, complaint",
    [
        ({"licence_url": "x"}, "licence_url is not a key"),
        ({"layers": None}, "layers must be a whole number"),
        ({"layers": "40"}, "layers must be a whole number"),
        ({"heads": 0}, "heads must be a whole number"),
        ({"capabilities": ["flying"]}, "capabilities must be one of thinking, tools, vision, not flying"),
        ({"repositories": [{"hub": "gitlab", "name": "a/b"}]}, "hub must be one of"),
        ({"repositories": [{"hub": "huggingface", "name": "a/b", "branch": "main"}]}, "branch is not a key"),
        ({"sampling": {"chat": {"temprature": 1}}}, "temprature is not a key"),
        ({"sampling": {"chat": {"temperature": "hot"}}}, "sampling must be numbers"),
        ({"quantizations": ["Q9_Z"], "sizes": {}}, "the bits per weight of Q9_Z are unknown"),
        ({"sizes": {"Q2_K": 5}}, "sizes has Q2_K"),
        ({"trouble": {"en": ["It crashes."]}}, "zh is missing"),
        ({"trouble": {"en": ["It crashes."], "zh": []}}, "as many sentences"),
        ({"checked": "trust me"}, "checked must be one of"),
        ({"projector_bytes": 5}, "projector must be true"),
        ({"id": 5}, "with an id"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_key(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_catalogue(written(**changes))


def test_a_missing_key_and_the_same_id_twice_are_refused() -> None:
    short = {key: value for key, value in ENTRY.items() if key != "licence"}
    with pytest.raises(ValueError, match="licence is missing"):
        read_catalogue(yaml.safe_dump([short]))
    with pytest.raises(ValueError, match="twice"):
        read_catalogue(yaml.safe_dump([ENTRY, ENTRY]))
    with pytest.raises(ValueError, match="must be a list"):
        read_catalogue("glm: 4")


def test_vision_models_have_a_projector() -> None:
    for entry in Catalogue().entries():
        assert (Capability.VISION in entry.capabilities) == entry.projector, entry.id
