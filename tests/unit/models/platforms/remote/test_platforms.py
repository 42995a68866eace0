"""Model lists, embeddings and reranking, in the protocols of OpenAI, Xinference and Ollama."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from core.inference.records import FinishReason
from core.inference.requests import SamplingParams, Tool
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.models.records import ModelKind
from core.platforms.records import PlatformType, RemoteModel
from models.platforms.remote.failures import Fault, PlatformFailure
from models.platforms.remote.guarded_socket import Call
from models.platforms.remote.remote_platform import RemotePlatform
from samples.servers.models import model_server as ms
from samples.servers.models.model_server import ANSWER, ModelServer
from tests.unit.models.platforms.remote.conftest import answer_of, read, request_of

Platforms = Callable[..., RemotePlatform]
BGE = RemoteModel(name="bge", id="bge-m3", kind=ModelKind.EMBEDDING)
RERANKER = RemoteModel(name="reranker", id="bge-reranker-v2-m3", kind=ModelKind.RERANKING)


@pytest.fixture
def ollama() -> Iterator[ModelServer]:
    server = ModelServer(("glm4:9b", "nomic-embed-text:latest"), "ollama")
    server.behave = ms.ollama_chat
    yield server
    server.close()


@pytest.fixture
def xinference() -> Iterator[ModelServer]:
    server = ModelServer(("glm-4.7", "bge-m3", "bge-reranker-v2-m3"), "xinference")
    yield server
    server.close()


def test_models_are_discovered(server: ModelServer, platform: Platforms) -> None:
    remote = platform(models=())
    assert remote.models.offered() == [] and remote.models.listed is None
    remote.discover()
    assert [(each.name, each.kind, each.context) for each in remote.models.offered()] == [
        ("glm-4.7", ModelKind.CHAT, 4096), ("bge-m3", ModelKind.EMBEDDING, 4096),
    ]  # fmt: skip


def test_a_wrong_name_is_named(platform: Platforms) -> None:
    remote = platform(models=(RemoteModel(name="glm-4.8", id="glm-4.8", kind=ModelKind.CHAT), BGE))
    assert remote.models.missing() == []
    remote.discover()
    [problem] = remote.models.missing()
    assert str(problem) == "gateway has no glm-4.8. It has bge-m3, glm-4.7."


def test_the_file_is_completed_by_what_the_platform_says(xinference: ModelServer, platform: Platforms) -> None:
    remote = platform(base_url=xinference.url, type=PlatformType.XINFERENCE)
    remote.discover()
    [model] = remote.models.offered()
    assert (model.name, model.context, model.tools, model.vision) == ("glm", 16384, True, False)


def test_embeddings_come_in_order_and_have_length_1(platform: Platforms) -> None:
    rows, tokens = platform().vectors(EmbeddingRequest(("a", "bcd"), "ann"), BGE)(Call())
    assert tokens == 7 and len(rows) == 2
    assert all(math.isclose(math.hypot(*row), 1, rel_tol=1e-6) for row in rows)
    assert math.isclose(rows[1][0] / rows[1][1], 1.0) and rows[0][0] < rows[1][0]


def test_documents_are_ranked(platform: Platforms) -> None:
    rows, tokens = platform().vectors(RerankRequest("bond", ("a bond", "a tree"), "ann"), RERANKER)(Call())
    assert [round(row[0], 3) for row in rows] == [0.9, 0.1] and tokens == 9


def test_a_platform_that_lost_a_row_is_refused(server: ModelServer, platform: Platforms, monkeypatch: pytest.MonkeyPatch) -> None:
    for bad in ("text", [], [0.0, 0.0], [float("inf")], None, [[1.0]]):
        monkeypatch.setattr(ms, "vector", lambda text, bad=bad: bad)
        with pytest.raises(PlatformFailure) as failed:
            platform().vectors(EmbeddingRequest(("a",), "ann"), BGE)(Call())
        assert failed.value.fault is Fault.INVALID_ANSWER


def test_xinference_embeds_ranks_and_says_which_kind_a_model_is(xinference: ModelServer, platform: Platforms) -> None:
    remote = platform(base_url=xinference.url, type=PlatformType.XINFERENCE, models=())
    remote.discover()
    assert [each.kind for each in remote.models.offered()] == [ModelKind.CHAT, ModelKind.EMBEDDING, ModelKind.RERANKING]
    assert read(answer_of(remote, model=remote.models.offered()[0]))[0] == ANSWER
    assert len(remote.vectors(RerankRequest("a", ("a", "b"), "ann"), remote.models.offered()[2])(Call())[0]) == 2


def test_ollama_lists_its_models_with_abilities_and_state(ollama: ModelServer, platform: Platforms) -> None:
    remote = platform(base_url=ollama.url, type=PlatformType.OLLAMA, models=())
    remote.discover()
    assert [(each.name, each.kind, each.context, each.thinking, each.tools) for each in remote.models.offered()] == [
        ("glm4:9b", ModelKind.CHAT, 8192, True, True), ("nomic-embed-text:latest", ModelKind.EMBEDDING, 8192, False, False),
    ]  # fmt: skip
    assert [each.loaded for each in remote.models.listed or ()] == [True, False]


def test_ollama_answers_in_its_own_protocol(ollama: ModelServer, platform: Platforms) -> None:
    remote = platform(base_url=ollama.url + "/v1", type=PlatformType.OLLAMA)
    model = replace(remote.models.offered()[0], thinking=True)
    params = SamplingParams(temperature=0.1, top_k=4, max_tokens=50, logit_bias=((1, 2.0),), json_schema='{"type": "object"}')
    answer = answer_of(remote, request_of(params=params, tools=(Tool("weather"),)), model)
    text, reasoning, deltas, end = read(answer)
    assert (text, reasoning) == (ANSWER, "Let me see.")
    assert deltas[-1].tool_calls[0].name == "weather" and "北京" in deltas[-1].tool_calls[0].arguments
    assert (end.finish_reason, end.usage.prompt_tokens, end.usage.completion_tokens) == (FinishReason.STOP, 26, 4)
    [body] = ollama.chats
    assert body["options"] == {"temperature": 0.1, "top_k": 4, "num_predict": 50} and body["think"] is True
    assert body["format"] == {"type": "object"} and answer.dropped == ("logit_bias",)


def test_ollama_says_what_is_wrong_in_a_line(ollama: ModelServer, platform: Platforms) -> None:
    ollama.behave = ms.stream(lambda: iter([b'{"error": "out of memory"}\n']), content_type="application/x-ndjson")
    with pytest.raises(PlatformFailure, match="gateway failed"):
        read(answer_of(platform(base_url=ollama.url, type=PlatformType.OLLAMA)))
    ollama.behave = ms.stream(lambda: iter([b'{"message": {"content": "Hi"}, "done": false}\n']), content_type="application/x-ndjson")
    with pytest.raises(PlatformFailure, match="in the middle"):
        read(answer_of(platform(base_url=ollama.url, type=PlatformType.OLLAMA)))


def test_ollama_embeds_and_cannot_rerank(ollama: ModelServer, platform: Platforms) -> None:
    remote = platform(base_url=ollama.url, type=PlatformType.OLLAMA)
    rows, tokens = remote.vectors(EmbeddingRequest(("a", "b"), "ann"), BGE)(Call())
    assert len(rows) == 2 and tokens == 5
    with pytest.raises(PlatformFailure, match="cannot rerank"):
        remote.vectors(RerankRequest("a", ("b",), "ann"), RERANKER)(Call())
