"""REST in the process that also serves the pages: a slow synthetic model, so that there is time to act."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.portal_parts.portal import PASSWORD, Measured, running_portal
from bench.portal_parts.tls import TLS
from samples.gguf_maker import make_gguf

STREAMS = 50


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Never ends by itself: an answer fills the context, in some seconds."""
    return make_gguf(tmp_path_factory.mktemp("models") / "slow.gguf", layers=60, context=1024, name="slow", sharpness=0.1)


@pytest.fixture(scope="module")
def portal(slow_model: Path) -> Iterator[Measured]:
    with running_portal(PORTAL_MODEL=str(slow_model), PORTAL_SLOTS="8", PORTAL_CONTEXT="1024", PORTAL_MAX_WAIT_S="600") as running:
        running.add_people(["ann"])
        yield running


@pytest.fixture
def admin(portal: Measured) -> Iterator[httpx.Client]:
    with portal.sign_in() as client:
        yield client


@pytest.fixture
def ann(portal: Measured) -> Iterator[httpx.Client]:
    with portal.sign_in("ann") as client:
        yield client


def busy(admin: httpx.Client) -> int:
    loaded = admin.get("/api/v1/models").json()["loaded"][0]
    return int(loaded["slots_busy"]) + int(loaded["waiting"])


def tokens_written(admin: httpx.Client) -> int:
    return int(admin.get("/api/v1/usage").json()["total"]["completion_tokens"])


def until_idle(admin: httpx.Client, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while busy(admin):
        assert time.monotonic() < deadline, "the engine is still busy"
        time.sleep(0.05)


def question(**more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Write much"}], **more}


def test_pages_and_rest_share_one_address(portal: Measured) -> None:
    with httpx.Client(verify=TLS, base_url=portal.url, timeout=60) as nobody:
        assert nobody.get("/").headers["content-type"].startswith("text/html")
        assert nobody.get("/healthz").json() == {"status": "ok"}
        assert nobody.get("/readyz").json()["ready"] is True
        for path in ("/v1/nothing", "/api/nothing", "/api/v1/nothing", "/api"):
            answer = nobody.get(path)
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "not_found"
        assert "portal_model_slots" in nobody.get("/metrics").text


def test_a_question_is_answered_stored_rated_and_counted(ann: httpx.Client, admin: httpx.Client) -> None:
    conversation = ann.post("/api/v1/conversations", json={"title": "First"}).json()["id"]
    turn = ann.post(f"/api/v1/conversations/{conversation}/messages", json={"text": "Hello", "max_tokens": 20}).json()
    assert turn["status"] == "done"
    assert turn["answer"]["generation"]["completion_tokens"] == 20
    assert turn["answer"]["generation"]["finish_reason"] == "length"
    assert turn["answer"]["text"] or turn["answer"]["reasoning"]
    ann.put(f"/api/v1/messages/{turn['answer']['id']}/feedback", json={"rating": -1, "comment": "Nonsense"})
    assert [row["comment"] for row in admin.get("/api/v1/feedback").json()["items"]] == ["Nonsense"]
    total = admin.get("/api/v1/usage").json()["total"]
    assert total["completion_tokens"] >= 20
    assert total["rated"] == 1


def test_the_streamed_text_is_the_stored_text(ann: httpx.Client) -> None:
    conversation = ann.post("/api/v1/conversations").json()["id"]
    body = {"text": "Hello", "max_tokens": 200, "stream": True}
    text, reasoning, done = "", "", None
    with ann.stream("POST", f"/api/v1/conversations/{conversation}/messages", json=body) as response:
        event = ""
        for line in response.iter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = json.loads(line.removeprefix("data: "))
                if event == "delta":
                    text += data["text"]
                    reasoning += data["reasoning"]
                elif event == "done":
                    done = data
    assert done is not None
    assert (done["answer"]["text"], done["answer"]["reasoning"]) == (text, reasoning)
    stored = ann.get(f"/api/v1/conversations/{conversation}/messages").json()["items"][1]
    assert (stored["text"], stored["reasoning"]) == (text, reasoning)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_frees_the_engine(ann: httpx.Client, admin: httpx.Client, stream: bool) -> None:
    until_idle(admin)
    before = tokens_written(admin)
    with pytest.raises(httpx.ReadTimeout):
        with ann.stream("POST", "/v1/chat/completions", json=question(stream=stream), timeout=httpx.Timeout(60, read=0.5)) as response:
            for _ in response.iter_bytes():
                time.sleep(0.3)
                raise httpx.ReadTimeout("that is enough")
    until_idle(admin)
    assert tokens_written(admin) - before < 800, "the answer went on to its end"


def test_stop_frees_the_engine(ann: httpx.Client, admin: httpx.Client) -> None:
    until_idle(admin)
    conversation = ann.post("/api/v1/conversations").json()["id"]
    body = {"text": "Write much", "stream": True}
    with ann.stream("POST", f"/api/v1/conversations/{conversation}/messages", json=body) as response:
        lines = response.iter_lines()
        while not next(lines).startswith("event: delta"):
            pass
        assert busy(admin) == 1
        assert ann.post(f"/api/v1/conversations/{conversation}/stop").json() == {"stopped": True}
        rest = list(lines)
    assert json.loads(rest[-2].removeprefix("data: "))["status"] == "stopped"
    until_idle(admin)


def test_fifty_open_streams_leave_everything_else_fast(portal: Measured, admin: httpx.Client) -> None:
    """A sanity bound, not a measurement: with streams on the threads that pages share, this takes seconds."""
    until_idle(admin)
    headers = dict(admin.headers)

    async def main() -> tuple[list[float], list[float]]:
        limits = httpx.Limits(max_connections=STREAMS)
        async with (
            httpx.AsyncClient(base_url=portal.url, headers=headers, timeout=60, limits=limits) as many,
            httpx.AsyncClient(base_url=portal.url, headers=headers, timeout=60) as one,
        ):
            opened = asyncio.Semaphore(0)

            async def stream() -> None:
                async with many.stream("POST", "/v1/chat/completions", json=question(stream=True)) as response:
                    assert response.status_code == 200, await response.aread()
                    opened.release()
                    async for _ in response.aiter_bytes():
                        pass

            streams = [asyncio.create_task(stream()) for _ in range(STREAMS)]
            for _ in range(STREAMS):
                await asyncio.wait_for(opened.acquire(), 60)
            health, page = [], []
            for _ in range(20):
                for path, times in (("/healthz", health), ("/api/v1/conversations", page)):
                    started = time.perf_counter()
                    assert (await one.get(path)).status_code == 200
                    times.append(time.perf_counter() - started)
            for each in streams:
                each.cancel()
            await asyncio.gather(*streams, return_exceptions=True)
            return sorted(health), sorted(page)

    health, page = asyncio.run(main())
    assert health[len(health) // 2] < 2
    assert page[len(page) // 2] < 4
    until_idle(admin)


def test_a_browser_signs_in_by_cookie_and_writes_only_from_our_own_pages(portal: Measured) -> None:
    with httpx.Client(verify=TLS, base_url=portal.url, timeout=60) as browser:
        browser.post("/api/v1/session", json={"username": "ann", "password": PASSWORD}, headers={"Origin": portal.url})
        assert browser.post("/api/v1/conversations", headers={"Origin": portal.url}).status_code == 201
        assert browser.post("/api/v1/conversations", headers={"Origin": "https://evil.example"}).status_code == 403
        assert browser.delete("/api/v1/session", headers={"Origin": portal.url}).status_code == 204
        assert browser.get("/api/v1/session").status_code == 401
