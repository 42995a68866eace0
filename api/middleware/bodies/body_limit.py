"""Limit request bodies, so that no client fills the memory. Refusals are JSON like all others."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import http_error


class BodyLimit:
    """Pure ASGI. Refuses at once if the announced length is too large, else when the received bytes exceed the limit."""

    def __init__(self, app: ASGIApp, max_bytes: Callable[[str], int]) -> None:
        """max_bytes: returns the limit for a path."""
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._max_bytes(scope["path"])
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > most:
            await http_error(Request(scope), too_large(most))(scope, receive, send)
            return
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise too_large(most)
            return message

        await self._app(scope, counted, send)


def too_large(most: int) -> HTTPException:
    return HTTPException(413, f"at most {most:,} bytes")
