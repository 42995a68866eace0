"""Guard page uploads: Streamlit keeps in memory everything that an open page sends, even before sign-in."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import http_error
from api.middleware.bodies.body_limit import BodyLimit
from api.services import Portal
from core.errors import PortalError
from core.people.sessions import SESSION_COOKIE

PATH = "/_stcore/upload_file/"
ENVELOPE_BYTES = 100_000
"""Bytes that a form adds to its file."""


class UploadGuard:
    """Pure ASGI, in front of Streamlit. Accepts uploads with a valid session, up to the size of a question's files."""

    def __init__(self, app: ASGIApp, portal: Callable[[], Portal]) -> None:
        self._app = app
        self._portal = portal
        self._limited = BodyLimit(app, lambda _path: portal().files.max_bytes + ENVELOPE_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not str(scope["path"]).startswith(PATH) or scope["method"] != "PUT":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        token = request.cookies.get(SESSION_COOKIE)
        try:
            signed_in = token is not None and await run_in_threadpool(self._portal().sessions.user, token) is not None
        except PortalError as problem:
            await http_error(request, HTTPException(problem.status, str(problem)))(scope, receive, send)
            return
        if not signed_in:
            await http_error(request, HTTPException(401, "Sign in first, then attach the file."))(scope, receive, send)
            return
        await self._limited(scope, receive, send)
