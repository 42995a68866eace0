"""Which of the two applications answers: REST paths go to FastAPI, everything else, websockets too, to Streamlit."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

_EXACT = frozenset({"/v1", "/api", "/healthz", "/readyz", "/metrics"})
_BELOW = ("/v1/", "/api/")


class ApiDispatch:
    """Pure ASGI, since it also sees websockets and must not buffer streams."""

    def __init__(self, app: ASGIApp, api: ASGIApp) -> None:
        self._pages = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        to_api = path in _EXACT or path.startswith(_BELOW)
        await (self._api if to_api else self._pages)(scope, receive, send)
