"""Report in response headers how much of a limit is left, and which kinds of personal data the request held.

RateLimit-Policy and RateLimit follow draft-ietf-httpapi-ratelimit-headers-10; only requests that a limit counted have them. Personal-Data
tells authors what was found and, if the group's policy says so, masked. X-Portal-Cache tells whether the result cache gave the answer; a
request with "X-Portal-Cache: bypass" asks the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.access.limits import limits_seen
from core.access.records import LimitState, Period, window_of
from core.inference.caching.results import CacheDirective, cache_directive
from core.privacy.filter import privacy_seen
from core.privacy.records import Kind

_CACHE = b"x-portal-cache"


class AnswerHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen: list[LimitState] = []
        kinds: list[Kind] = []
        # The lists are shared with the threads that serve the request, which get a copy of this context.
        directive = CacheDirective(bypass=any(name == _CACHE and value.strip().lower() == b"bypass" for name, value in scope["headers"]))
        tokens = limits_seen.set(seen), privacy_seen.set(kinds), cache_directive.set(directive)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start" and (timed := [each for each in seen if each.resets_at is not None]):
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Policy"] = policy(timed)
                headers["RateLimit"] = left(timed, datetime.now(UTC))
            if message["type"] == "http.response.start" and kinds:
                MutableHeaders(scope=message)["Personal-Data"] = ", ".join(sorted(kinds))
            if message["type"] == "http.response.start" and directive.result:
                MutableHeaders(scope=message)["X-Portal-Cache"] = directive.result
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        finally:
            limits_seen.reset(tokens[0])
            privacy_seen.reset(tokens[1])
            cache_directive.reset(tokens[2])


def policy(states: Sequence[LimitState]) -> str:
    """Return each limit's quota and its window in seconds."""
    return ", ".join(f'"{_name(each)}";q={each.rule.amount};w={_seconds(each.rule.period)}' for each in states)


def left(states: Sequence[LimitState], now: datetime) -> str:
    """Return what is left of each limit, and the seconds until it is full again."""
    resets = ((each, max(0, math.ceil((each.resets_at - now).total_seconds())) if each.resets_at else 0) for each in states)
    return ", ".join(f'"{_name(each)}";r={each.left};t={seconds}' for each, seconds in resets)


def _name(state: LimitState) -> str:
    rule = state.rule
    return f"{rule.holder}-{rule.measure}-{rule.period}"


def _seconds(period: Period) -> int:
    start, end = window_of(period, datetime.now(UTC))
    return int((end - start).total_seconds())
