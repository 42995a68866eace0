"""More questions than the model has room for, in a real process: who is refused, in which words, and when there is room again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.portal_parts.portal import Measured, running_portal
from tests.functional.test_rest_process import question, slow_model, until_idle

__all__ = ["slow_model"]

REQUESTS = 300
"""More than the one slot and the queue hold together."""


@pytest.fixture(scope="module")
def portal(slow_model: Path) -> Iterator[Measured]:
    with running_portal(PORTAL_MODEL=str(slow_model), PORTAL_SLOTS="1", PORTAL_CONTEXT="1024", PORTAL_MAX_WAIT_S="86400") as running:
        yield running


@pytest.fixture
def admin(portal: Measured) -> Iterator[httpx.Client]:
    with portal.sign_in() as client:
        yield client


def metric(client: httpx.Client, name: str) -> float:
    found = text_string_to_metric_families(client.get("/metrics").text)
    [value] = [sample.value for family in found for sample in family.samples if sample.name == name]
    return value


def until(client: httpx.Client, name: str, wanted: float, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while (value := metric(client, name)) != wanted:
        assert time.monotonic() < deadline, f"{name} is still {value}"
        time.sleep(0.05)


@pytest.mark.parametrize("thinks", [False, True])
def test_closing_the_connection_of_a_streamed_answer_frees_its_slot(portal: Measured, admin: httpx.Client, thinks: bool) -> None:
    until(admin, "portal_model_slots_busy", 0)
    with httpx.Client(base_url=portal.url, headers=admin.headers, timeout=60) as leaving:
        asked = question(stream=True, chat_template_kwargs={"enable_thinking": thinks})
        with leaving.stream("POST", "/v1/chat/completions", json=asked) as response:
            lines = (line for line in response.iter_lines() if line.startswith("data: "))
            next(lines), next(lines)
            assert metric(admin, "portal_model_slots_busy") == 1
    until(admin, "portal_model_slots_busy", 0)
    answer = admin.post("/v1/chat/completions", json=question(max_tokens=5))
    assert answer.json()["usage"]["completion_tokens"] == 5


def test_a_full_queue_answers_429_and_the_portal_goes_on(portal: Measured, admin: httpx.Client) -> None:
    until_idle(admin)
    conversations = [admin.post("/api/v1/conversations").json()["id"] for _ in range(5)]

    async def main() -> tuple[list[httpx.Response], httpx.Response, int]:
        """Return the refusals, what became of a question in a conversation, and how many answers were let in."""
        limits = httpx.Limits(max_connections=REQUESTS + 10)
        async with httpx.AsyncClient(base_url=portal.url, headers=admin.headers, timeout=60, limits=limits) as client:
            let_in: list[httpx.Response] = []

            async def fill() -> httpx.Response:
                """Stream answers until one is refused. Again before each question: one may have ended and made room."""
                for _ in range(REQUESTS):
                    request = client.build_request("POST", "/v1/chat/completions", json=question(stream=True))
                    response = await client.send(request, stream=True)
                    if response.status_code != 200:
                        await response.aread()
                        return response
                    let_in.append(response)
                raise AssertionError("nobody was refused")

            async def refusal(paths: list[str], body: dict[str, Any]) -> httpx.Response:
                """Ask until it is refused. If an answer ends first, there is room and the question waits: then give it up and try again."""
                for path in paths:
                    await fill()
                    with contextlib.suppress(httpx.ReadTimeout):
                        return await client.post(path, json=body, timeout=10)
                raise AssertionError("the question was let in each time")

            refused = [await fill()]
            for body in (question(), question(n=2)):
                refused.append(await refusal(["/v1/chat/completions"] * 5, body))
            turn = await refusal([f"/api/v1/conversations/{each}/messages" for each in conversations], {"text": "Write much"})
            assert (await client.get("/healthz")).status_code == 200
            assert (await client.get("/api/v1/conversations")).status_code == 200
            for each in let_in:
                await each.aclose()
            return refused, turn, len(let_in)

    refused, turn, let_in = asyncio.run(main())
    assert let_in >= 257
    for response in refused:
        assert response.status_code == 429, response.text
        assert int(response.headers["Retry-After"]) >= 1
        error = response.json()["error"]
        assert set(error) == {"message", "type", "code", "param"}
        assert (error["type"], error["code"], error["param"]) == ("rate_limit_error", "rate_limit_exceeded", None)
        assert "256 questions are ahead" in error["message"]
    # A question in a conversation is kept, and can be asked again.
    assert turn.json()["status"] == "failed" and "256 questions are ahead" in turn.json()["answer"]["error"]
    until(admin, "portal_model_slots_busy", 0)
    assert metric(admin, "portal_model_waiting") == 0
    answer = admin.post("/v1/chat/completions", json=question(max_tokens=5))
    assert answer.json()["usage"]["completion_tokens"] == 5
    again = admin.post(f"/api/v1/messages/{turn.json()['answer']['id']}/regenerate", json={"max_tokens": 5})
    assert again.json()["status"] == "done"
