"""The platforms file: what it may contain, and the line and reason of an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.inference.records import Task
from core.models.records import ModelKind
from core.platforms.records import LOCAL, PlatformType
from models.platforms.configuration.reader import YamlConfigurationReader
from models.platforms.configuration.yaml_blocks import ConfigurationError

WHOLE = """
platforms:
  - name: local
  - name: gateway
    type: openai
    base_url: http://127.0.0.1:4000/v1/
    api_key: ${GATEWAY_KEY}
    models:
      llm: [glm-4.7, {name: glm-v, id: glm-4.6v, context: 65536, vision: yes}]
      embedding: [bge-m3]
      rerank: [bge-reranker-v2-m3]
    limits: {concurrent: 3, requests_per_minute: 300, timeout_s: 120}
    price: {input: 0.6, cached: 0.11, output: 2.2, currency: EUR, per: 1000}
    takes: [top_k, thinking]
    drops: [seed]
routes:
  chat:
    - {to: glm-4.7@gateway, groups: [legal], up_to_tokens: 60000}
    - glm@local
  embed: [bge-m3]
allow_hosts: [Metadata.Internal]
"""


def reader(**environment: str) -> YamlConfigurationReader:
    return YamlConfigurationReader("platforms.yaml", {"GATEWAY_KEY": "secret-key", **environment})


def test_a_whole_file_is_read() -> None:
    config = reader().read(WHOLE)
    local, gateway = config.platforms
    assert (local.name, local.type) == (LOCAL, PlatformType.LOCAL)
    assert (gateway.type, gateway.base_url, gateway.api_key) == (PlatformType.OPENAI, "http://127.0.0.1:4000/v1", "secret-key")
    assert [(each.name, each.id, each.kind) for each in gateway.models] == [
        ("glm-4.7", "glm-4.7", ModelKind.CHAT),
        ("glm-v", "glm-4.6v", ModelKind.CHAT),
        ("bge-m3", "bge-m3", ModelKind.EMBEDDING),
        ("bge-reranker-v2-m3", "bge-reranker-v2-m3", ModelKind.RERANKING),
    ]
    assert (gateway.models[1].context, gateway.models[1].vision, gateway.models[1].tools) == (65536, True, None)
    assert (gateway.limits.concurrent, gateway.limits.requests_per_minute, gateway.limits.timeout_s) == (3, 300, 120)
    assert gateway.price is not None and (gateway.price.cached, gateway.price.currency, gateway.price.per) == (0.11, "EUR", 1000)
    assert (gateway.takes, gateway.drops) == ({"top_k", "thinking"}, {"seed"})
    first, second = config.routes[Task.CHAT]
    assert (first.target, first.groups, first.up_to_tokens) == ("glm-4.7@gateway", {"legal"}, 60000)
    assert (second.model, second.platform) == ("glm", "local")
    assert config.routes[Task.EMBED][0].platform is None
    assert config.allowed_hosts == {"metadata.internal"}


@pytest.mark.parametrize("text", ["", "# nothing", "platforms: []", "platforms:", "---\n"])
def test_an_empty_file_leaves_this_process_alone(text: str) -> None:
    assert [each.name for each in reader().read(text).platforms] == [LOCAL]


def test_a_key_is_never_shown() -> None:
    assert "secret-key" not in repr(reader().read(WHOLE))


def test_a_key_may_lie_in_a_file(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("from-a-file\n")
    config = reader().read(f"platforms: [{{name: a, type: openai, base_url: 'http://a', api_key_file: {key}}}]")
    assert config.remote[0].api_key == "from-a-file"


A = "platforms:\n- name: a\n  type: openai\n  base_url: http://a/v1\n"
REFUSED = {
    "a tab": ("platforms:\n\t- name: a", 2, "YAML"),
    "no block": ("- a\n", 1, "name: value"),
    "a misspelt heading": (A + "route:\n  chat: [x]\n", 5, "route is unknown"),
    "a misspelt key": (A + "  limit: {concurrent: 1}\n", 5, "limit is unknown"),
    "a key twice": (A + "  type: ollama\n", 5, "twice"),
    "no name": ("platforms:\n- type: openai\n", 2, "name is missing"),
    "no address": ("platforms:\n- name: a\n  type: openai\n", 2, "base_url is missing"),
    "a type that there is not": (A.replace("openai", "vllm"), 3, "openai, ollama, xinference"),
    "two of one name": (A + A.removeprefix("platforms:\n"), 5, "two platforms"),
    "a name with spaces": (A.replace("name: a", "name: a b"), 2, "small letters"),
    "another scheme": (A.replace("http://a/v1", "file:///etc/passwd"), 4, "not an address"),
    "no host": (A.replace("http://a/v1", "http:///v1"), 4, "not an address"),
    "a bad port": (A.replace("http://a/v1", "http://a:99999/"), 4, "not an address"),
    "a password in the address": (A.replace("http://a/v1", "http://me:secret@a/v1"), 4, "password"),
    "a key in the file": (A + "  api_key: sk-123456\n", 5, "secret"),
    "a variable that is not set": (A + "  api_key: ${NOT_THERE}\n", 5, "NOT_THERE"),
    "a key file that is not there": (A + "  api_key_file: /nowhere/key\n", 5, "/nowhere/key"),
    "a CA that is not there": (A + "  ca_file: /nowhere/ca\n", 5, "/nowhere/ca"),
    "a number that is a word": (A + "  limits:\n    concurrent: many\n", 6, "concurrent"),
    "a number that is too large": (A + "  limits: {timeout_s: 1000000}\n", 5, "86,400"),
    "half a request": (A + "  limits: {concurrent: 1.5}\n", 5, "whole number"),
    "not a number": (A + "  limits: {timeout_s: .nan}\n", 5, "timeout_s"),
    "a model twice": (A + "  models: {llm: [x, x]}\n", 5, "twice"),
    "a model with a blank": (A + "  models: {llm: ['a b']}\n", 5, "spaces"),
    "a list that is none": (A + "  models: {llm: x}\n", 5, "must be a list"),
    "a parameter that there is not": (A + "  takes: [magic]\n", 5, "magic"),
    "a flag that is none": (A + "  enabled: maybe\n", 5, "true or false"),
    "a currency that is none": (A + "  price: {currency: dollars}\n", 5, "currency"),
    "a route to nowhere": (A + "routes:\n  chat: [x@b]\n", 6, "There is a, local"),
    "a route to a model that it has not": (A + "  models: {llm: [y]}\nroutes:\n  chat:\n  - y@a\n  - x@a\n", 9, "a has no x. It has y."),
    "a task that there is not": (A + "routes:\n  chats: [x]\n", 6, "chats is unknown"),
    "settings of the process": ("platforms:\n- name: local\n  limits: {concurrent: 1}\n", 3, "limits is unknown"),
    "aliases": ("platforms: &a []\nroutes: *a\n", 1, "anchors"),
    "depth": ("[" * 5000, 1, "nested"),
    "a control character": ("platforms:\n- name: a\x07\n", 2, "not allowed"),
    "a tag of Python": ("platforms: !!python/object:os.system []\n", 1, ""),
}


@pytest.mark.parametrize("name", [name for name in REFUSED if name != "a tag of Python"])
def test_a_bad_edit_is_refused_with_its_line(name: str) -> None:
    text, line, reason = REFUSED[name]
    with pytest.raises(ConfigurationError) as refused:
        reader().read(text)
    assert refused.value.line == line, str(refused.value)
    assert f"line {line}: " in str(refused.value) and reason in str(refused.value)


def test_a_tag_makes_no_object() -> None:
    assert reader().read(REFUSED["a tag of Python"][0]).remote == ()


DETECTOR = """
platforms:
  - {name: ocr, type: detector, base_url: "http://127.0.0.1:9300/v1", models: {detect: [rapidocr]}}
routes:
  ground: [rapidocr@ocr, glm]
"""


def test_a_detector_has_models_of_its_own_and_a_route() -> None:
    config = reader().read(DETECTOR)
    assert config.platforms[0].type is PlatformType.DETECTOR
    assert [(each.name, each.kind) for each in config.platforms[0].models] == [("rapidocr", ModelKind.DETECTION)]
    assert [step.target for step in config.routes[Task.GROUND]] == ["rapidocr@ocr", "glm"]


@pytest.mark.parametrize("text", [DETECTOR.replace("detect:", "llm:"), DETECTOR.replace("type: detector", "type: openai")])
def test_detectors_detect_and_nothing_else_does(text: str) -> None:
    with pytest.raises(ConfigurationError, match="line 3: models under detect need a platform of type detector"):
        reader().read(text)
