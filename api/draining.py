"""Let a stopping server finish running requests, and send new ones to another server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import refusal
from core.chat.turns import STOPPING

DRAINING = "portal.draining"
"""Key in the scope of a request to a server that is stopping."""
_HEALTH = frozenset({"/healthz", "/health", "/readyz", "/metrics"})
_GOES_AWAY = 1012
"""Close code of a websocket whose server restarts: the browser reconnects, and the balancer chooses another server."""


class Draining:
    """The state that the gate and the server share. Use it on the event loop only."""

    def __init__(self) -> None:
        self.begun = False
        """Whether the server is stopping; /readyz says so."""
        self._refusing = asyncio.Event()
        self._requests = 0

    @property
    def requests(self) -> int:
        """Return how many requests are being answered. Open pages and health checks do not count."""
        return self._requests

    @property
    def refuses(self) -> bool:
        return self._refusing.is_set()

    def begin(self) -> None:
        self.begun = True

    def refuse(self) -> None:
        """Refuse new requests from now on, and close the pages' connections, which then go to another server."""
        self._refusing.set()

    async def wait(self) -> None:
        """Wait until new requests are refused."""
        await self._refusing.wait()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count a request while it is being answered."""
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1


class DrainGate:
    """Pure ASGI, in front of all other middleware."""

    def __init__(self, app: ASGIApp, draining: Draining) -> None:
        self._app = app
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if self._draining.begun:
            scope = {**scope, DRAINING: True}
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["path"] in _HEALTH:
            await self._app(scope, receive, send)
        elif self._draining.refuses:
            await _refused(scope)(scope, receive, send)
        else:
            with self._draining.request():
                await self._app(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._draining.refuses:
            await receive()
            if "websocket.http.response" in scope.get("extensions", {}):
                await send({"type": "websocket.http.response.start", "status": 503, "headers": [(b"retry-after", b"1")]})
                await send({"type": "websocket.http.response.body", "body": b""})
            else:
                await send({"type": "websocket.close", "code": _GOES_AWAY})
            return
        leaving = asyncio.ensure_future(self._draining.wait())

        async def until_refusing() -> Message:
            coming = asyncio.ensure_future(receive())
            done, _ = await asyncio.wait({coming, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if coming in done:
                return coming.result()
            coming.cancel()
            await send({"type": "websocket.close", "code": _GOES_AWAY, "reason": "This server is restarting."})
            return {"type": "websocket.disconnect", "code": _GOES_AWAY}

        try:
            await self._app(scope, until_refusing, send)
        finally:
            leaving.cancel()


def _refused(scope: Scope) -> Response:
    headers = {"Retry-After": "1", "Connection": "close"}
    if scope["path"].startswith(("/v1", "/api", "/internal")):
        return refusal(Request(scope), 503, "unavailable", STOPPING, headers=headers)
    return PlainTextResponse(f"{STOPPING}\n", 503, headers)
