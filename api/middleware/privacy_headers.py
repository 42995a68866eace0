"""Say in the header Personal-Data which kinds of personal data a request held, so that its author learns what was masked."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.privacy.filter import privacy_seen
from core.privacy.records import Kind


class PrivacyHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen: list[Kind] = []
        # The list is shared with the threads that serve the request, which get a copy of this context.
        token = privacy_seen.set(seen)

        async def with_header(message: Message) -> None:
            if message["type"] == "http.response.start" and seen:
                MutableHeaders(scope=message)["Personal-Data"] = ", ".join(sorted(seen))
            await send(message)

        try:
            await self._app(scope, receive, with_header)
        finally:
            privacy_seen.reset(token)
