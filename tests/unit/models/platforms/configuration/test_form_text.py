"""The form changes only the parts of the text that it shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import InvalidInput
from core.platforms.records import PlatformForm
from models.platforms.configuration.form_text import YamlFormText
from models.platforms.configuration.reader import YamlConfigurationReader

TEXT = """# Our servers
platforms:
  - name: local            # this process
  # the gateway of the company
  - name: gateway
    type: openai           # through LiteLLM
    base_url: http://127.0.0.1:4000/v1
    models: {llm: [glm-4.7]}   # more on demand
    price: {input: 0.6, output: 2.2}
    limits:
      # agreed with the owner
      concurrent: 8
      idle_s: 30
  - {name: other, type: ollama, base_url: 'http://127.0.0.1:11434'}
# who answers what
routes:
  chat: [glm-4.7@gateway]   # the large one first
  title: [{to: glm-4.7@gateway, groups: [risk]}]
"""
NEW = PlatformForm(
    name="vllm-a", type="openai", base_url="http://127.0.0.1:8000/v1", limits={"concurrent": 4},
    models={"llm": ("glm", "12"), "embedding": ("bge",)},
)  # fmt: skip


@pytest.fixture
def form() -> YamlFormText:
    return YamlFormText("platforms.yaml")


def names(text: str) -> list[str]:
    return [each.name for each in YamlConfigurationReader("platforms.yaml", {"KEY": "k"}).read(text).platforms]


def gateway(form: YamlFormText, text: str = TEXT) -> PlatformForm:
    return next(each for each in form.platforms(text) if each.name == "gateway")


def test_the_form_shows_what_is_written(form: YamlFormText) -> None:
    found = gateway(form)
    assert (found.type, found.base_url, found.models) == (
        "openai",
        "http://127.0.0.1:4000/v1",
        {"llm": ("glm-4.7",), "embedding": (), "rerank": ()},
    )
    assert found.limits == {"concurrent": 8} and found.enabled
    assert [each.name for each in form.platforms(TEXT)] == ["gateway", "other"]
    assert form.routes(TEXT) == {"chat": ("glm-4.7@gateway",), "title": None}


def test_nothing_changed_changes_nothing(form: YamlFormText) -> None:
    assert form.put_platform(TEXT, "gateway", gateway(form)) == TEXT


def test_a_change_touches_its_own_lines_alone(form: YamlFormText) -> None:
    changed = form.put_platform(
        TEXT, "gateway", replace(gateway(form), base_url="http://127.0.0.1:5000/v1", api_key="${KEY}", enabled=False)
    )
    lines = [line for line in changed.splitlines() if line not in TEXT.splitlines()]
    assert [line.strip() for line in lines] == ["base_url: http://127.0.0.1:5000/v1", "api_key: ${KEY}", "enabled: false"]
    assert [line for line in TEXT.splitlines() if line not in changed.splitlines()] == ["    base_url: http://127.0.0.1:4000/v1"]
    assert names(changed) == ["local", "gateway", "other"]
    back = form.put_platform(changed, "gateway", gateway(form))
    assert back == TEXT


def test_a_renamed_platform_keeps_its_comments_and_hidden_keys(form: YamlFormText) -> None:
    changed = form.put_platform(TEXT, "gateway", replace(gateway(form), name="hub", models={"llm": ("glm-5",)}, limits={"concurrent": 2}))
    assert "- name: hub\n    type: openai           # through LiteLLM" in changed and "models: {llm: [glm-5]}   # more on demand" in changed
    assert "price: {input: 0.6, output: 2.2}" in changed and "idle_s: 30" in changed and "concurrent: 2" in changed


def test_a_platform_in_one_line_is_changed(form: YamlFormText) -> None:
    other = next(each for each in form.platforms(TEXT) if each.name == "other")
    changed = form.put_platform(TEXT, "other", replace(other, models={"llm": ("glm4",)}))
    assert names(changed) == ["local", "gateway", "other"] and "llm: [glm4]" in changed and "# who answers what\nroutes:" in changed


@pytest.mark.parametrize("text", [TEXT, TEXT.removesuffix("\n"), "", "# nothing yet\n", "platforms:\n", "platforms: []\n", "routes: {}\n"])
def test_a_platform_is_added_and_removed(form: YamlFormText, text: str) -> None:
    added = form.put_platform(text, None, NEW)
    assert names(added)[-1 if "local" in text else 0] == "vllm-a"
    shown = form.platforms(added)[-1]
    assert (shown.models, shown.limits) == ({"llm": ("glm", "12"), "embedding": ("bge",), "rerank": ()}, {"concurrent": 4})
    removed = form.remove_platform(added, "vllm-a")
    assert "vllm-a" not in removed and form.platforms(removed) == form.platforms(text)
    if text == TEXT:
        assert removed == TEXT


def test_another_platform_is_removed_with_its_lines(form: YamlFormText) -> None:
    removed = form.remove_platform(form.remove_platform(TEXT, "gateway"), "other")
    assert "4000" not in removed and "11434" not in removed
    assert "# Our servers" in removed and "# who answers what" in removed and "- name: local            # this process" in removed


def test_routes_are_set_and_removed(form: YamlFormText) -> None:
    changed = form.put_route(TEXT, "chat", ["glm-4.7@gateway", "glm@local"])
    assert "  chat: [glm-4.7@gateway, glm@local]   # the large one first\n" in changed
    assert form.routes(form.put_route(changed, "embed", ["bge@gateway"]))["embed"] == ("bge@gateway",)
    gone = form.put_route(form.put_route(TEXT, "chat", []), "title", [])
    assert "routes" not in gone and form.routes(gone) == {}
    assert form.put_route(form.put_route("", "chat", ["a@local"]), "chat", []) == ""


def test_text_that_is_no_configuration_is_refused_with_its_line(form: YamlFormText) -> None:
    with pytest.raises(InvalidInput, match="line 3"):
        form.platforms("platforms:\n  - name: [\n")


def test_models_with_details_are_left_to_the_text(form: YamlFormText) -> None:
    text = TEXT.replace("{llm: [glm-4.7]}", "{llm: [{name: glm, id: glm-4.7}]}")
    assert gateway(form, text).models is None
    changed = form.put_platform(text, "gateway", replace(gateway(form, text), base_url="http://127.0.0.1:1/v1"))
    assert "{llm: [{name: glm, id: glm-4.7}]}" in changed
