"""Restrict metrics to this machine and to callers with the token."""

from __future__ import annotations

from hmac import compare_digest

from starlette.datastructures import Headers
from starlette.types import Scope

from core.client_address import is_loopback

_EXACT = frozenset({"/metrics", "/_stcore/metrics", "/_stcore/script-health-check"})
_BELOW = "/_stcore/agent/"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def is_diagnostic(path: str) -> bool:
    return path in _EXACT or path.startswith(_BELOW)


def may_read(scope: Scope, token: str) -> bool:
    """Tell whether this request may read metrics. token: from the settings; empty if there is none.

    A request forwarded by a proxy comes from elsewhere, whatever its address.
    """
    headers = Headers(scope=scope)
    if token and compare_digest(headers.get("authorization", "").encode(), f"Bearer {token}".encode()):
        return True
    client = scope.get("client")
    return client is not None and is_loopback(client[0]) and not any(name in headers for name in _FORWARDED)
