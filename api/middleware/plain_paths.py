"""Remove trailing slashes from paths under /v1, because clients join base URLs in many ways."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class PlainPaths:
    """Pure ASGI. Other paths stay as they are; a trailing slash names nothing there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if path.startswith("/v1/") and path.endswith("/"):
            plain = path.rstrip("/")
            scope = {**scope, "path": plain, "raw_path": plain.encode("utf-8", "replace")}
        await self._app(scope, receive, send)
