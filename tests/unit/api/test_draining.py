from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.draining import DRAINING, DrainGate, Draining

Sent = list[dict[str, Any]]


class Application:
    """Answers requests once its gate is open; a websocket ends when its client is gone."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.scopes: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            while (await receive())["type"] != "websocket.disconnect":
                pass
            return
        await self.gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def ask(gate: DrainGate, path: str, kind: str = "http", **more: Any) -> Sent:
    sent: Sent = []
    came = asyncio.Queue[dict[str, Any]]()
    came.put_nowait({"type": "websocket.connect"} if kind == "websocket" else {"type": "http.request", "body": b""})

    async def send(message: Any) -> None:
        sent.append(message)

    await gate({"type": kind, "path": path, "headers": [], "method": "POST", **more}, came.get, send)
    return sent


def test_what_has_begun_is_finished_and_what_is_new_is_sent_away() -> None:
    async def run() -> None:
        draining, application = Draining(), Application()
        gate = DrainGate(application, draining)
        begun = asyncio.ensure_future(ask(gate, "/v1/chat/completions"))
        page = asyncio.ensure_future(ask(gate, "/_stcore/stream", "websocket"))
        await asyncio.sleep(0.01)
        assert draining.requests == 1, "a page does not keep the server"
        draining.begin()
        draining.refuse()
        for path in ("/v1/chat/completions", "/api/v1/session", "/chat"):
            [start, _body] = await ask(gate, path)
            headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
            assert (start["status"], headers["retry-after"], headers["connection"]) == (503, "1", "close")
        assert (await page)[-1]["code"] == 1012
        application.gate.set()
        assert (await begun)[0]["status"] == 200
        assert draining.requests == 0

    asyncio.run(run())


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_is_answered_to_the_end_and_knows(path: str) -> None:
    async def run() -> None:
        draining, application = Draining(), Application()
        gate = DrainGate(application, draining)
        application.gate.set()
        await ask(gate, path)
        draining.begin()
        await ask(gate, "/v1/models")  # With a notice, requests are still taken.
        draining.refuse()
        await ask(gate, path)
        assert [DRAINING in scope for scope in application.scopes] == [False, True, True]

    asyncio.run(run())


@pytest.mark.parametrize(("extensions", "answer"), [({"websocket.http.response": {}}, 503), ({}, 1012)])
def test_a_new_page_is_sent_to_another_server(extensions: dict[str, Any], answer: int) -> None:
    async def run() -> None:
        draining = Draining()
        draining.refuse()
        [first, *_] = await ask(DrainGate(Application(), draining), "/_stcore/stream", "websocket", extensions=extensions)
        assert answer in (first.get("status"), first.get("code"))

    asyncio.run(run())
