"""The portal itself as a platform of another portal: both ends are ours, and both are real."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from core.errors import Busy
from core.inference.records import FinishReason
from core.inference.requests import Delta, Finished, SamplingParams, Tool, ToolCall
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.models.records import ModelKind
from core.platforms.records import Platform, PlatformType, RemoteModel
from models.platforms.configuration.reader import YamlConfigurationReader
from models.platforms.remote.failures import Fault, PlatformFailure
from models.platforms.remote.guarded_socket import Call
from models.platforms.remote.remote_platform import RemotePlatform
from models.serving.routing.platform_router import PlatformRouter
from samples.fakes import MODEL, FakeRouter, answer
from tests.unit.models.platforms.remote.conftest import answer_of, read, request_of

FAKE = RemoteModel(name="fake", id="fake", kind=ModelKind.CHAT)


@pytest.fixture
def key(ann: httpx.Client) -> str:
    return ann.headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture
def remote(address: str, key: str) -> Iterator[RemotePlatform]:
    remote = RemotePlatform(Platform(name="there", type=PlatformType.OPENAI, base_url=f"{address}/v1", api_key=key))
    yield remote
    remote.close()


def test_its_models_are_listed_with_window_and_abilities(remote: RemotePlatform) -> None:
    remote.discover()
    [model] = remote.models.offered()
    assert (model.name, model.context, model.thinking, model.tools) == ("fake", 4096, True, True)


def test_it_answers_with_reasoning_and_counts(remote: RemotePlatform, router: FakeRouter) -> None:
    router.next_answers.put(answer("The answer is 世界", reasoning="Let me think"))
    running = answer_of(remote, request_of(params=SamplingParams(max_tokens=50, temperature=0.5)), FAKE)
    text, reasoning, _, end = read(running)
    assert (text, reasoning, end.finish_reason) == ("The answer is 世界", "Let me think", FinishReason.STOP)
    assert (end.usage.prompt_tokens, end.usage.cached_tokens, running.estimated) == (5, 2, False)
    assert router.requests[-1].params.max_tokens == 50


def test_a_tool_call_comes_through(remote: RemotePlatform, router: FakeRouter) -> None:
    call = ToolCall("call_1", "weather", '{"city": "北京"}')
    done = answer("x")[-1]
    assert isinstance(done, Finished)
    router.next_answers.put([Delta(tokens=1, tool_calls=(call,)), done])
    _, _, deltas, _ = read(answer_of(remote, request_of(tools=(Tool("weather"),)), FAKE))
    assert deltas[-1].tool_calls == (call,) and router.requests[-1].tools[0].name == "weather"


def test_it_embeds_and_ranks(remote: RemotePlatform, router: FakeRouter) -> None:
    router.rows = [[0.6, 0.8], [1.0, 0.0]]
    bge = RemoteModel(name="v", id="fake-vectors", kind=ModelKind.EMBEDDING)
    rows, tokens = remote.vectors(EmbeddingRequest(("a", "b"), "ann"), bge)(Call())
    assert [round(row[0], 3) for row in rows] == [0.6, 1.0] and tokens == 2
    router.rows = [[0.25], [0.75]]
    rows, _ = remote.vectors(RerankRequest("a", ("a", "b"), "ann"), replace(bge, kind=ModelKind.RERANKING))(Call())
    assert [round(row[0], 3) for row in rows] == [0.25, 0.75]


def test_its_refusals_are_understood(remote: RemotePlatform, router: FakeRouter) -> None:
    router.refuse.append(Busy("All slots are busy.", retry_after=3))
    with pytest.raises(PlatformFailure) as busy:
        read(answer_of(remote, model=FAKE))
    assert busy.value.fault is Fault.BUSY and busy.value.retry_after == 3
    with pytest.raises(PlatformFailure, match="refused the request") as unknown:
        read(answer_of(remote, model=replace(FAKE, id="nobody")))
    assert unknown.value.fault is Fault.REFUSED


def test_an_answer_through_it_is_cancelled_there_too(remote: RemotePlatform, router: FakeRouter) -> None:
    router.hold()
    running = answer_of(remote, model=FAKE)
    reading = running.events()
    router.release(1)
    assert isinstance(next(reading), Delta)
    running.cancel()
    assert isinstance(list(reading)[-1], Finished)
    assert router.generations[-1].cancelled.wait(60)


def test_a_second_portal_routes_to_it_and_falls_back_to_its_own_model(address: str, key: str, router: FakeRouter) -> None:
    own = FakeRouter(always=answer("From here"))
    second = PlatformRouter(own)
    file = "platforms: [{name: there, type: openai, base_url: 'URL/v1', api_key: '${KEY}', models: {llm: [{name: glm, id: fake}]}}]\n"
    routes = "routes: {chat: [glm@there, fake@local]}\n"
    second.configure(YamlConfigurationReader("p", {"KEY": key}).read(file.replace("URL", address) + routes))
    try:
        def ask() -> str:
            return "".join(each.text for each in second.start(request_of()).events() if isinstance(each, Delta))

        assert ask() == "Hello from the fake model"
        router.available = []
        assert ask() == "From here"
        router.available = [MODEL]
    finally:
        second.close()
