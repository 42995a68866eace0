"""Decompress request bodies, which some clients compress for long conversations."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import http_error
from api.middleware.bodies.body_limit import too_large

_PACKED = ("gzip", "x-gzip", "deflate")
_EITHER_HEADER = 47
"""zlib's value for detecting gzip or zlib automatically."""


class PackedBodies:
    """Pure ASGI. The limit for uncompressed bodies applies to the decompressed body."""

    def __init__(self, app: ASGIApp, max_bytes: Callable[[str], int]) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = MutableHeaders(raw=list(scope.get("headers", ())))
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if scope["type"] != "http" or encoding in ("", "identity"):
            await self._app(scope, receive, send)
            return
        if encoding not in _PACKED:
            await http_error(Request(scope), HTTPException(415, encoding[:40]))(scope, receive, send)
            return
        del headers["content-encoding"], headers["content-length"]
        body = _Unpacked(receive, self._max_bytes(scope["path"]))
        await self._app({**scope, "headers": headers.raw}, body.receive, send)


class _Unpacked:
    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._left = most
        self._unpacking = zlib.decompressobj(_EITHER_HEADER)

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request":
            return message
        try:
            body = self._unpacking.decompress(message.get("body", b""), self._left + 1)
        except zlib.error:
            raise HTTPException(400) from None
        self._left -= len(body)
        if self._left < 0:
            raise too_large(self._most)
        if not message.get("more_body") and not self._unpacking.eof:
            raise HTTPException(400)
        return {**message, "body": body}
