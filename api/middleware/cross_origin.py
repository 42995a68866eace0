"""Let pages of configured other origins use /v1 with a bearer key. Cookies are never sent."""

from __future__ import annotations

from collections.abc import Callable, Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SHOWN = "X-Request-ID, X-Portal-Ignored, Retry-After"
_REMEMBERED_S = "600"


class CrossOrigin:
    """Pure ASGI. A browser asks first (OPTIONS), then sends; both answers name the origin if it is allowed."""

    def __init__(self, app: ASGIApp, origins: Callable[[], Collection[str]]) -> None:
        """origins: returns the allowed origins, as browsers write them, or "*" for all."""
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin", "")
        if not origin or not str(scope["path"]).startswith("/v1/") or not self._may(origin):
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await self._allowed(origin, headers)(scope, receive, send)
            return

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered["Access-Control-Allow-Origin"] = origin
                answered["Access-Control-Expose-Headers"] = _SHOWN
                answered.add_vary_header("Origin")
            await send(message)

        await self._app(scope, receive, named)

    def _may(self, origin: str) -> bool:
        allowed = self._origins()
        return "*" in allowed or origin.lower() in allowed

    @staticmethod
    def _allowed(origin: str, headers: Headers) -> Response:
        return Response(
            status_code=204,
            headers={
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Methods": "GET, POST, DELETE",
                "Access-Control-Allow-Headers": headers.get("access-control-request-headers", "authorization, content-type"),
                "Access-Control-Max-Age": _REMEMBERED_S,
                "Vary": "Origin",
            },
        )
