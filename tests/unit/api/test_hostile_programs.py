"""Misbehaving programs get a clear error in their own dialect, and no other client is affected."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import httpx
import pytest

from samples.fakes import FakeRouter
from tests.unit.api.test_dialects import is_refusal

HELLO = [{"role": "user", "content": "Hi"}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HELLO},
    "/v1/completions": {"prompt": "Hi"},
    "/v1/responses": {"input": "Hi"},
    "/v1/messages": {"max_tokens": 9, "messages": HELLO},
    "/v1/messages/count_tokens": {"messages": HELLO},
    "/v1/embeddings": {"input": "Hi"},
    "/v1/rerank": {"query": "x", "documents": ["y"]},
    "/v1/tokenize": {"content": "x"},
    "/v1/detokenize": {"tokens": [1]},
    "/v1/batches": {"input_file_id": "x", "endpoint": "/v1/responses", "completion_window": "24h"},
}
STREAMED = [path for path in BODIES if path in ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages")]
WAIT_S = 60.0


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_ten_thousand_levels_are_refused(ann: httpx.Client, path: str, opening: str) -> None:
    closing = {"[": "]", '{"a":': "}"}[opening]
    deep = opening * 10_000 + "1" + closing * 10_000
    for body in (deep, json.dumps({**BODIES[path], "metadata": 0, "x": 0}).replace(": 0", f": {deep}")):
        response = ann.post(path, content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 400 and is_refusal(path, response), response.text[:300]
    assert ann.get("/health").status_code == 200


@pytest.mark.parametrize("path", STREAMED)
@pytest.mark.parametrize("other", STREAMED)
def test_a_body_of_another_dialect_is_answered_or_refused_in_the_shape_of_the_path(ann: httpx.Client, path: str, other: str) -> None:
    response = ann.post(path, json=BODIES[other])
    assert response.status_code in (200, 400)
    if response.status_code == 400:
        assert is_refusal(path, response), response.text
    needs = {name for name in BODIES[path] if name not in BODIES[other]}
    assert response.status_code == (400 if needs else 200)


def test_two_calls_with_one_id_are_refused_in_each_dialect(ann: httpx.Client, router: FakeRouter) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    block = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {}}
    item = {"type": "function_call", "call_id": "call_1", "name": "find", "arguments": "{}"}
    for path, body in (
        ("/v1/chat/completions", {"messages": [*HELLO, {"role": "assistant", "tool_calls": [call, call]}]}),
        ("/v1/messages", {"max_tokens": 9, "messages": [*HELLO, {"role": "assistant", "content": [block, block]}]}),
        ("/v1/responses", {"input": [item, item]}),
    ):
        response = ann.post(path, json=body)
        assert response.status_code == 400 and is_refusal(path, response)
        assert "is the id of another" in response.json()["error"]["message"]
    assert router.requests == []


def test_two_hundred_open_streams_of_one_key_hold_up_nobody(ann: httpx.Client, address: str, router: FakeRouter) -> None:
    key = ann.post("/api/v1/keys", json={"name": "many", "scopes": ["chat"]}).raise_for_status().json()["token"]
    router.hold()

    async def stream(client: httpx.AsyncClient, path: str) -> str:
        async with client.stream("POST", path, json={**BODIES[path], "stream": True}) as response:
            assert response.status_code == 200
            return (await response.aread()).decode()

    async def all_streams() -> list[str]:
        limits = httpx.Limits(max_connections=None)
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=WAIT_S, limits=limits) as client:
            running = [asyncio.create_task(stream(client, STREAMED[number % 4])) for number in range(200)]
            ends = time.monotonic() + WAIT_S
            while len(router.generations) < 200 and time.monotonic() < ends:
                await asyncio.sleep(0.02)
            assert len(router.generations) == 200
            assert (await client.get("/v1/models")).status_code == (await client.get("/health")).status_code == 200
            router.release(2_000)
            return await asyncio.gather(*running)

    texts = asyncio.run(all_streams())
    assert all("fake" in text and ("DONE" in text or "_stop" in text or "response.completed" in text) for text in texts)


@pytest.mark.parametrize("path", STREAMED)
def test_a_reader_of_one_byte_at_a_time_holds_up_nobody_and_frees_the_engine_when_it_leaves(
    ann: httpx.Client, address: str, router: FakeRouter, path: str
) -> None:
    router.hold()
    body = json.dumps({**BODIES[path], "stream": True})
    host, port = address.removeprefix("http://").split(":")
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}:{port}", f"Authorization: {ann.headers['Authorization']}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", body]
    with socket.create_connection((host, int(port)), timeout=WAIT_S) as slow:
        slow.sendall("\r\n".join(lines).encode())
        assert b"".join(slow.recv(1) for _ in range(15)) == b"HTTP/1.1 200 OK"
        router.release(1)
        assert ann.get("/v1/models").status_code == 200
        assert slow.recv(1)
    assert router.generations[0].cancelled.wait(WAIT_S)
