"""Three hundred chats at once in a real process: some are told when to come back, and nothing else notices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

from bench._portal import PASSWORD, Measured, percentile, running_portal

CHATS = 300
PEOPLE = 10
LISTS = ("/api/v1/conversations", "/v1/models", "/api/v1/session")


@pytest.fixture(scope="module")
def portal() -> Iterator[Measured]:
    with running_portal(PORTAL_SLOTS="4", PORTAL_MAX_WAIT_S="2", PORTAL_TRUSTED_PROXIES="127.0.0.1") as running:
        running.add_people([f"p{number}" for number in range(PEOPLE)])
        yield running


def test_with_300_chats_at_once_some_are_refused_with_retry_after_and_lists_stay_fast(portal: Measured) -> None:
    refused, let_in, waits, lists = asyncio.run(_crowd(portal))
    print(f"{len(refused)} refused, {let_in} answered, longest wait {max(waits):.1f} s, lists p95 {percentile(lists, 0.95):.3f} s of {len(lists)}")
    assert len(refused) + let_in == CHATS and let_in > 4
    for each in refused:
        assert int(each.headers["Retry-After"]) >= 1
        assert each.json()["error"]["code"] == "rate_limit_exceeded"
    assert refused, "nobody was told that the model is busy"
    assert len(lists) > 20
    assert percentile(lists, 0.95) < 0.2


async def _crowd(portal: Measured) -> tuple[list[httpx.Response], int, list[float], list[float]]:
    """The refusals, how many were answered, their waits for the first token, and what lists took meanwhile."""
    limits = httpx.Limits(max_connections=CHATS + 10)
    async with (
        httpx.AsyncClient(base_url=portal.url, timeout=120, limits=limits) as many,
        httpx.AsyncClient(base_url=portal.url, timeout=120) as one,
    ):
        tokens = [await _token(one, f"p{number}") for number in range(PEOPLE)]
        headers = [{"Authorization": f"Bearer {token}", "X-Forwarded-For": f"10.0.0.{number}"} for number, token in enumerate(tokens)]
        # Warm: what the first request of a kind loads is not what a crowd does.
        for path in LISTS:
            (await one.get(path, headers=headers[0])).raise_for_status()
        refused: list[httpx.Response] = []
        waits: list[float] = []

        async def chat(number: int) -> None:
            body = {"messages": [{"role": "user", "content": f"What can you do for me, {number}?"}], "stream": True, "max_tokens": 100}
            began = time.perf_counter()
            async with many.stream("POST", "/v1/chat/completions", json=body, headers=headers[number % PEOPLE]) as response:
                if response.status_code != 200:
                    assert response.status_code == 429, await response.aread()
                    await response.aread()
                    refused.append(response)
                    return
                first = None
                async for line in response.aiter_lines():
                    if first is None and line.startswith("data: ") and '"content":' in line and '"content":""' not in line:
                        first = time.perf_counter() - began
                waits.append(first if first is not None else time.perf_counter() - began)

        chats = [asyncio.create_task(chat(number)) for number in range(CHATS)]
        lists: list[float] = []
        while not all(each.done() for each in chats):
            for path in LISTS:
                began = time.perf_counter()
                (await one.get(path, headers=headers[0])).raise_for_status()
                lists.append(time.perf_counter() - began)
            await asyncio.sleep(0.01)
        await asyncio.gather(*chats)
        return refused, len(waits), waits, lists


async def _token(client: httpx.AsyncClient, name: str) -> str:
    answer = await client.post("/api/v1/session", json={"username": name, "password": PASSWORD})
    token: str = answer.raise_for_status().json()["token"]
    client.cookies.clear()
    return token
