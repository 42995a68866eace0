"""Refuse at once what would be refused as busy anyway, before the body is parsed, a thread is taken and the database is read.

Under ten times the load that the models take, nearly every request is refused. The whole way to a refusal costs several times what this
does, and holds up the answers that do run.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import portal_error
from api.recent_callers import RecentCallers
from api.services import Portal
from core.errors import Busy
from core.operations.log_context import add_to_log_context
from core.people.signing_in.devices import DEVICE_COOKIE
from core.people.signing_in.sign_in import HERE

_RESPONSES, _SIGN_IN = "/v1/responses", "/api/v1/session"
_ANSWERS = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/messages", _RESPONSES})
"""Paths that ask a chat model, and store nothing if it is busy."""


class EarlyRefusals:
    """Pure ASGI. Questions are refused only to callers who were identified a moment ago; others pass, and learn first who they are."""

    def __init__(self, app: ASGIApp, portal: Callable[[], Portal], callers: RecentCallers) -> None:
        self._app = app
        self._portal = portal
        self._callers = callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        refused: Busy | None = None
        path = scope["path"]
        if path in _ANSWERS and (user_id := self._caller(scope)) is not None:
            first = await receive()
            refused = self._refused_question(path, user_id, first)
            receive = _again(first, receive)
        elif path == _SIGN_IN:
            refused = self._refused_sign_in(scope)
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await portal_error(Request(scope), refused)(scope, receive, send)

    def _caller(self, scope: Scope) -> str | None:
        """Return whose key or token this is, if that is remembered. A browser's cookie is not looked at."""
        headers = Headers(scope=scope)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = headers.get("x-api-key", "")
        return self._callers.user_id(token.strip()) if token else None

    def _refused_question(self, path: str, user_id: str, first: Message) -> Busy | None:
        """Return why a question is refused now, whatever the rest of its body says. first: the beginning of the body."""
        body, whole = first.get("body", b""), not first.get("more_body", False)
        if path == _RESPONSES and (not whole or b"background" in body):
            return None  # A response in the background waits as a job.
        try:
            self._portal().gateway.check_room(user_id, batch=not whole or b"flex" in body)
        except Busy as problem:
            add_to_log_context(user_id=user_id)
            return problem
        return None

    def _refused_sign_in(self, scope: Scope) -> Busy | None:
        """Return why a sign-in is refused now. Known devices have room of their own, which only the database tells."""
        if DEVICE_COOKIE in Headers(scope=scope).get("cookie", ""):
            return None
        try:
            self._portal().sign_in.check_room((scope.get("client") or (HERE,))[0])
        except Busy as problem:
            return problem
        return None


def _again(first: Message, receive: Receive) -> Receive:
    """Return a `receive` that begins with a message that was received already."""
    pending = [first]

    async def received() -> Message:
        return pending.pop() if pending else await receive()

    return received
