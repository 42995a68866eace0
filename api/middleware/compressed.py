"""Compress Streamlit's scripts and styles once and keep them: a first visit loads a third of the bytes.

Streamlit sends them uncompressed. Their names contain a hash of their content, so the compressed copy never goes stale.
"""

from __future__ import annotations

import asyncio
import gzip

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEPT_BYTES = 32_000_000
_SMALLEST = 1_000


class CompressedScripts:
    """Pure ASGI, in front of Streamlit. Only GETs of /static/*.js and *.css are affected.

    They are always sent whole. A browser that left a page while a script was on its way would ask for the rest of it, and the rest of the
    uncompressed file does not fit to the beginning of the compressed one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[str, tuple[Message, bytes]] = {}
        self._size = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or scope["method"] != "GET" or not path.startswith("/static/") or not path.endswith((".js", ".css")):
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        if "gzip" not in asked.get("accept-encoding", "") or "if-none-match" in asked:
            await self._app(scope, receive, send)
            return
        if path not in self._kept:
            kept = await self._compress(scope, send)
            if kept is None:
                return
            if self._size + len(kept[1]) <= _KEPT_BYTES:
                self._kept[path] = kept
                self._size += len(kept[1])
        else:
            kept = self._kept[path]
        await send(kept[0])
        await send({"type": "http.response.body", "body": kept[1]})

    async def _compress(self, scope: Scope, send: Send) -> tuple[Message, bytes] | None:
        """Return the compressed answer; None if it was passed on because it is small or not a plain success.

        The file is read to its end even if the browser leaves meanwhile: a part of it, once kept, would be sent to everybody.
        """
        messages: list[Message] = []
        whole = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name not in (b"range", b"if-range")]}

        async def collect(message: Message) -> None:
            messages.append(message)

        await self._app(whole, _stays, collect)
        start, *parts = messages
        body = b"".join(part.get("body", b"") for part in parts)
        headers = MutableHeaders(raw=list(start.get("headers", [])))
        if start["status"] != 200 or len(body) < _SMALLEST or "content-encoding" in headers:
            for message in messages:
                await send(message)
            return None
        small = await asyncio.to_thread(gzip.compress, body, 6)
        headers["content-encoding"] = "gzip"
        headers["content-length"] = str(len(small))
        headers["vary"] = "Accept-Encoding"
        del headers["accept-ranges"]
        # A strong tag and the file's time identify the bytes sent, and these differ.
        del headers["last-modified"]
        if "etag" in headers:
            headers["etag"] = f'W/{headers["etag"]}'
        return {**start, "headers": headers.raw}, small


async def _stays() -> Message:
    """Receive nothing, not even that the client has gone."""
    never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    return await never
