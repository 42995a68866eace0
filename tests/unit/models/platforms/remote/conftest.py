from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from core.inference.requests import ChatMessage, ChatRole, Delta, Finished, GenerationRequest
from core.models.records import ModelKind
from core.platforms.records import Limits, Platform, PlatformType, RemoteModel
from models.platforms.remote.remote_answer import RemoteAnswer
from models.platforms.remote.remote_platform import RemotePlatform
from samples.servers.models.model_server import ModelServer

MODEL = RemoteModel(name="glm", id="glm-4.7", kind=ModelKind.CHAT)
QUICK = Limits(timeout_s=20, first_token_s=10, idle_s=10)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.close()


@pytest.fixture
def platform(server: ModelServer) -> Iterator[Callable[..., RemotePlatform]]:
    """Make a platform of the server, with fields of its configuration."""
    opened: list[RemotePlatform] = []

    def make(**fields: object) -> RemotePlatform:
        config = {"name": "gateway", "type": PlatformType.OPENAI, "base_url": server.url, "models": (MODEL,), "limits": QUICK, **fields}
        opened.append(RemotePlatform(Platform(**config)))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def request_of(text: str = "Hello", **fields: object) -> GenerationRequest:
    return GenerationRequest(messages=(ChatMessage(ChatRole.USER, text),), user_id="ann", **fields)  # type: ignore[arg-type]


def answer_of(platform: RemotePlatform, request: GenerationRequest | None = None, model: RemoteModel = MODEL) -> RemoteAnswer:
    return platform.answer(request or request_of(), model, lambda model, text: None)


def read(answer: RemoteAnswer) -> tuple[str, str, list[Delta], Finished]:
    """(text, reasoning, deltas, end)."""
    *deltas, end = answer.events()
    assert isinstance(end, Finished)
    found = [each for each in deltas if isinstance(each, Delta)]
    return "".join(each.text for each in found), "".join(each.reasoning for each in found), found, end
