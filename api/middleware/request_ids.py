"""Give every request an id: taken from X-Request-ID or generated, returned in that header and added to its log lines."""

from __future__ import annotations

import logging
import re
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.anthropic.errors import is_anthropic
from api.logged_paths import LoggedPaths
from core.operations.log_context import log_context, new_request_id

log = logging.getLogger(__name__)

HEADER = "X-Request-ID"
ANTHROPICS = "request-id"
"""The same header under the name that Anthropic's clients read."""
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ASKED_BY_MACHINES = frozenset({"/health", "/healthz", "/readyz", "/metrics", "/internal/v1/values"})


class RequestIds:
    """Pure ASGI. Logs method, route, status and duration of a request; path, query and body may contain what people wrote."""

    def __init__(self, app: ASGIApp, paths: LoggedPaths) -> None:
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if _WELL_FORMED.fullmatch(given) else new_request_id()
        status = 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[HEADER] = request_id
                if is_anthropic(scope):
                    headers[ANTHROPICS] = request_id
            await send(message)

        began = time.monotonic()
        with log_context(request_id=request_id):
            try:
                await self._app(scope, receive, named)
            finally:
                level = logging.DEBUG if scope["path"] in _ASKED_BY_MACHINES else logging.INFO
                took = (time.monotonic() - began) * 1000
                log.log(level, "%s %s answered %d in %.0f ms", scope["method"], self._paths.of(scope), status, took)
