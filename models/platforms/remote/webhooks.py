"""Post JSON to webhooks, over connections to checked addresses with a deadline. Redirects are never followed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from core.errors import InvalidInput, Unavailable
from models.platforms.remote.addresses import Resolve, is_refused, resolve
from models.platforms.remote.connection import Connections
from models.platforms.remote.failures import PlatformFailure
from models.platforms.remote.guarded_socket import Call

TIMEOUT_S = 10.0
_PASSING = (408, 425, 429)
"""Statuses after which another try makes sense, besides those from 500 on."""
_NO_ADDRESS = "A webhook's address begins with https:// or http://, names a host, and contains no password. Check the address."


class HttpWebhooks:
    """Implements core.usage.alerts.ports.WebhookSender. Of an answer only the status is read."""

    def __init__(self, resolver: Resolve = resolve) -> None:
        self._resolver = resolver

    def check(self, address: str) -> None:
        host = _parts(address)[0]
        if (host.replace(".", "").isdigit() or ":" in host) and is_refused(host):
            raise InvalidInput("The portal never sends to {host}: it is an address for machines, not of a service.", host=host)

    def post(self, name: str, address: str, body: bytes, headers: Mapping[str, str]) -> None:
        _, origin, path = _parts(address)
        connections = Connections(name, origin, resolver=self._resolver)
        try:
            response = connections.send(
                Call(), "POST", "/" + path, body, first_s=TIMEOUT_S, end=time.monotonic() + TIMEOUT_S, accept="*/*", more_headers=headers
            )
            status = response.status
            response.close()
        except PlatformFailure as problem:
            raise Unavailable(problem.error.template, **problem.error.params) from problem
        finally:
            connections.close()
        if status in _PASSING or status >= 500:
            raise Unavailable("{name} answered with the status {status}.", name=name, status=status)
        if not 200 <= status < 300:
            raise InvalidInput("{name} refused the message with the status {status}. Check its address.", name=name, status=status)


def _parts(address: str) -> tuple[str, str, str]:
    """Return the host, the origin, and the path with its query. Raises InvalidInput."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidInput(_NO_ADDRESS) from None
    odd = not address.isascii() or not address.isprintable() or " " in address
    if odd or parts.scheme not in ("https", "http") or not host or parts.username is not None or parts.password is not None or port == 0:
        raise InvalidInput(_NO_ADDRESS)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, f"{parts.scheme}://{parts.netloc}", path
