"""Refuse requests that are not meant for this portal, then pass requests on to the pages or to REST."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answering.streams import BODY_SEND
from api.errors import refusal
from api.middleware import base_addresses, diagnostics, own_names
from api.middleware.security_headers import secured
from api.middleware.stranger_sockets import StrangerSockets, until_idle
from api.services import Portal
from core.errors import PortalError
from core.people.sessions import SESSION_COOKIE

log = logging.getLogger(__name__)

_EXACT = frozenset({"/v1", "/api", "/health", "/healthz", "/readyz", "/metrics"})
_BELOW = ("/v1/", "/api/", "/internal/")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
STRANGERS_SHARE = 4
"""The part of an address's connections that pages without a session may use: one in four."""

NOT_OUR_NAME = "This is not a host name of the portal. Use its own name, or ask an admin to add this one to PORTAL_ALLOWED_HOSTS."
OTHER_SITE = "This request came from another site. Open the portal directly."
MEASUREMENTS = "Metrics are available only on the portal's own machine, or with PORTAL_METRICS_TOKEN as Authorization: Bearer."


class FrontDoor:
    """Pure ASGI, because it also handles websockets and must not buffer streams."""

    def __init__(self, app: ASGIApp, api: ASGIApp, portal: Callable[[], Portal]) -> None:
        self._pages = app
        self._api = api
        self._portal = portal
        self._strangers = StrangerSockets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._pages(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, headers = str(scope["path"]), Headers(scope=scope)
        host = headers.get("host", "")

        scope[BODY_SEND] = send

        async def safely(message: Message) -> None:
            await send(secured(message, path, host) if message["type"] == "http.response.start" else message)

        to_api = _is_api(path)
        settings = self._portal().settings
        if not self._is_for_us(scope, headers):
            host = ""
            answer = _refused(scope, 421, "wrong_host", NOT_OUR_NAME)
        elif diagnostics.is_diagnostic(path) and not diagnostics.may_read(scope, settings.metrics_token):
            answer = _refused(scope, 401 if settings.metrics_token else 403, "not_allowed", MEASUREMENTS)
        elif (right := base_addresses.right_path(scope, headers)) is not None:
            answer = base_addresses.refusal(scope, host, right)
        elif not to_api and scope["method"] not in _READS and own_names.is_foreign(headers):
            answer = _refused(scope, 403, "not_allowed", OTHER_SITE)
        elif not to_api and (redirect := base_addresses.page_redirect(scope, headers)) is not None:
            answer = redirect
        else:
            await (self._api if to_api else self._pages)(_with_one_host(scope, headers), receive, safely)
            return
        await answer(scope, receive, safely)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        ours = origin is None or own_names.origin_host(origin, headers.get("host", "")) is not None
        if not ours or not self._is_for_us(scope, headers):
            await _close(receive, send)
            return
        app = self._api if _is_api(scope["path"]) else self._pages
        scope = _with_one_host(scope, headers)
        try:
            signed_in = await self._signed_in(scope)
        except PortalError:
            # Sessions cannot be looked up now. The page says so and recovers later; a refused socket would leave it empty.
            await app(scope, until_idle(receive, send), send)
            return
        if signed_in:
            await app(scope, receive, send)
            return
        most = self._portal().settings.connections_per_address // STRANGERS_SHARE
        with self._strangers.one(_client(scope), most) as room:
            if room:
                await app(scope, until_idle(receive, send), send)
            else:
                await _close(receive, send)

    def _is_for_us(self, scope: Scope, headers: Headers) -> bool:
        """Tell whether Host is one of the portal's names. An HTTP/1.0 request without Host does not come from a browser."""
        host = headers.get("host")
        reached = (scope.get("server") or ("",))[0]
        if host is None or own_names.is_own(host, self._portal().settings.own_hosts, reached):
            return True
        log.info("refused a request for another host: %.100r", host)
        return False

    async def _signed_in(self, scope: Scope) -> bool:
        token = HTTPConnection(scope).cookies.get(SESSION_COOKIE)
        return token is not None and await run_in_threadpool(self._portal().sessions.user, token) is not None


def _is_api(path: str) -> bool:
    return path in _EXACT or path.startswith(_BELOW)


def _client(scope: Scope) -> str:
    return str((scope.get("client") or ("unknown",))[0])


def _with_one_host(scope: Scope, headers: Headers) -> Scope:
    """Rewrite Host as in the origin, including port and case: Streamlit compares them literally."""
    origin, host = headers.get("origin"), headers.get("host")
    named = own_names.origin_host(origin, host) if origin and host else None
    if named is None or named == host:
        return scope
    return {**scope, "headers": [(name, named.encode("latin-1") if name == b"host" else value) for name, value in scope["headers"]]}


def _refused(scope: Scope, status: int, code: str, sentence: str) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if _is_api(scope["path"]):
        return refusal(Request(scope), status, code, sentence, headers=headers)
    return PlainTextResponse(f"{sentence}\n", status, headers)


async def _close(receive: Receive, send: Send) -> None:
    """Refuse a handshake; the client receives 403."""
    await receive()
    await send({"type": "websocket.close", "code": 1008})
