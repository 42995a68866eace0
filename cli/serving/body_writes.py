"""Let streams write a block of their response at once, without the coroutine of ASGI's `send`.

With 64 streams at the speed of a GPU, waking coroutines for each piece of text takes much of the event loop's time (docs/decisions/031).
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import RequestResponseCycle

from api.answering.streams import BODY_WRITE, Write


class BodyWrites:
    """Pure ASGI, around the application. Behind another server than Uvicorn's h11, or for HTTP/1.0, streams use `send` alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cycle = getattr(send, "__self__", None)
        if scope["type"] == "http" and isinstance(cycle, RequestResponseCycle) and scope["http_version"] == "1.1":
            scope[BODY_WRITE] = writer(cycle)
        await self._app(scope, receive, send)


def writer(cycle: RequestResponseCycle) -> Write:
    """Return a function that writes a block of a response without content-length, which HTTP/1.1 sends in chunks.

    It returns False where the block must be awaited, or is of no use any more: the response has not begun or has ended, the client reads
    slowly or has gone.
    """

    def write(block: bytes) -> bool:
        if cycle.flow.write_paused or cycle.disconnected or not cycle.response_started or cycle.response_complete:
            return False
        cycle.transport.write(b"%x\r\n%b\r\n" % (len(block), block))
        return True

    return write
