"""Every dialect against bodies with an error somewhere inside: each is refused in the dialect's own shape, and none causes a 500."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.errors import PromptTooLong
from samples.fakes import FakePool, FakeRouter
from tests.unit.api.conftest import Server, client_of, open_portal

SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}}
CALLS = [{"type": "tool_use", "id": "toolu_1", "name": "find", "input": {"q": "rain"}}]
RESULTS = [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "Yes."}], "is_error": False}]

BODIES: dict[str, dict[str, Any]] = {
    "/v1/messages": {
        "model": "fake", "max_tokens": 50, "stream": False, "stop_sequences": ["x"], "temperature": 1, "top_p": 0.5, "top_k": 3,
        "system": [{"type": "text", "text": "Be brief."}], "thinking": {"type": "enabled", "budget_tokens": 9, "display": "omitted"},
        "tools": [{"name": "find", "description": "d", "input_schema": SCHEMA, "strict": True, "type": "custom"}],
        "tool_choice": {"type": "tool", "name": "find", "disable_parallel_tool_use": True}, "metadata": {"user_id": "x"},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "document", "source": {"type": "text", "data": "y"}}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, *CALLS]},
            {"role": "user", "content": RESULTS},
        ],
    },
    "/v1/completions": {
        "model": "fake", "prompt": ["one", "two"], "suffix": "end", "max_tokens": 9, "echo": True, "n": 2, "best_of": 2, "stream": False,
        "stream_options": {"include_usage": True}, "stop": ["x"], "seed": 1, "temperature": 1, "top_p": 0.5, "presence_penalty": 1,
        "frequency_penalty": 1, "logit_bias": {"5": 1}, "user": "x", "top_k": 3, "min_p": 0.1, "typical_p": 0.9, "repeat_penalty": 1.1,
        "stop_token_ids": [1], "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
    },
    "/v1/responses": {
        "model": "fake", "instructions": "Be brief.", "stream": False, "store": False, "max_output_tokens": 50, "temperature": 1,
        "top_p": 0.5, "top_logprobs": 2, "include": ["message.output_text.logprobs"], "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": True}, "verbosity": "low"},
        "tools": [{"type": "function", "name": "find", "description": "d", "parameters": SCHEMA, "strict": True}],
        "tool_choice": {"type": "function", "name": "find"}, "metadata": {"a": "b"}, "truncation": "disabled", "service_tier": "flex",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "x"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "t"}]},
            {"type": "function_call", "call_id": "call_1", "name": "find", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "y"}]},
        ],
    },
    "/v1/tokenize": {"model": "fake", "content": "x", "prompt": "x", "messages": [{"role": "user", "content": "x"}], "with_pieces": True},
    "/v1/detokenize": {"model": "fake", "tokens": [1, 2, 3]},
}  # fmt: skip
ODD: list[Any] = [None, True, 0, -1, 1.5, 10**310, float("nan"), "", "\0", "\ud800", "x" * 5000, [], [None], {}, {"a": 1}, [[[[]]]]]


@pytest.fixture(scope="module")
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture(scope="module")
def address(server: Server, router: FakeRouter, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    portal = open_portal(empty_home, tmp_path_factory.mktemp("dialects") / "home", router, FakePool())
    server.portal = portal
    yield server.address
    portal.close()


@pytest.fixture(scope="module")
def ann(address: str) -> Iterator[httpx.Client]:
    client = client_of(address, "ann")
    yield client
    client.close()


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything within the value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from places(inner, (*path, step))


def changed(body: dict[str, Any], path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> dict[str, Any]:
    """Return a copy in which the value at `path` is changed by `change(its parent, its key)`."""
    copy = json.loads(json.dumps(body))
    parent = copy
    for step in path[:-1]:
        parent = parent[step]
    change(parent, path[-1])
    return copy  # type: ignore[no-any-return]


def is_refusal(path: str, response: httpx.Response) -> bool:
    body = response.json()
    if path.startswith("/v1/messages"):
        return bool(body["type"] == "error" and body["error"].keys() == {"type", "message"})
    return bool(body["error"].keys() == {"message", "type", "code", "param"})


def check(client: httpx.Client, path: str, content: bytes) -> int:
    response = client.post(path, content=content, headers={"Content-Type": "application/json"})
    assert response.status_code in (200, 400), (content[:300], response.text[:300])
    assert response.status_code == 200 or is_refusal(path, response), response.text[:300]
    return response.status_code


def put(value: Any) -> Callable[[Any, Any], None]:
    return lambda parent, key: parent.__setitem__(key, value)


@pytest.mark.parametrize("path", BODIES)
def test_the_body_itself_is_answered(ann: httpx.Client, path: str) -> None:
    assert check(ann, path, json.dumps(BODIES[path]).encode()) == 200


@pytest.mark.parametrize("path", BODIES)
def test_each_part_of_a_body_in_turn_is_odd_or_missing(ann: httpx.Client, path: str) -> None:
    refused = 0
    for number, place in enumerate(places(BODIES[path])):
        check(ann, path, json.dumps(changed(BODIES[path], place, lambda parent, key: parent.pop(key))).encode())
        for value in (ODD[(5 * number + step) % len(ODD)] for step in range(5)):
            refused += check(ann, path, json.dumps(changed(BODIES[path], place, put(value))).encode()) == 400
    assert refused >= 5


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("depth", [50, 400, 10_000])
def test_each_part_of_a_body_in_turn_is_nested(ann: httpx.Client, path: str, depth: int) -> None:
    for opening, closing in ((b'{"a":', b"}"), (b"[", b"]")):
        deep = opening * depth + b"1" + closing * depth
        for place in places(BODIES[path]):
            content = json.dumps(changed(BODIES[path], place, put("DEEP"))).encode().replace(b'"DEEP"', deep)
            check(ann, path, content)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}]}, "messages"),
        ("/v1/completions", {"prompt": "x"}, "prompt"),
        ("/v1/responses", {"input": "x"}, "input"),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_a_prompt_that_is_too_long_names_the_field_that_holds_it(
    ann: httpx.Client, router: FakeRouter, path: str, body: dict[str, Any], field: str, late: bool
) -> None:
    if late:
        router.next_answers.put([PromptTooLong(900, 511)])
    else:
        router.refuse.append(PromptTooLong(900, 511))
    response = ann.post(path, json={**body, "stream": late})
    assert response.status_code == (200 if late else 400)
    text = response.text if not late else next(line for line in response.text.splitlines() if '"context_length_exceeded"' in line)
    said = json.loads(text.removeprefix("data: "))
    assert said.get("error", said)["param"] == field
