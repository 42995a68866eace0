"""Count and watch Uvicorn's connections: slow clients lose theirs, and no address can take all of them."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from cli.serving.connection_limits import OpenConnections
from cli.serving.gathered_writes import GatheredWrites, GatheringTransport

_HEADERS = (
    "content-type: text/plain; charset=utf-8\r\nconnection: close\r\nx-content-type-options: nosniff\r\n"
    "referrer-policy: same-origin\r\npermissions-policy: camera=(), geolocation=(), microphone=()\r\n"
    "content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n"
)
"""Headers of responses that are sent before any application is called."""


def protocols(open_connections: OpenConnections) -> tuple[type[asyncio.Protocol], type[asyncio.Protocol]]:
    """Create the connection classes of this crowd, for HTTP and for websockets."""
    writes = GatheredWrites()

    class WatchedWebSocket(WebSocketsSansIOProtocol):
        """Leaves the crowd when it closes. Uvicorn's own pings check that its client is alive."""

        def connection_lost(self, exc: Exception | None) -> None:
            open_connections.remove(self)
            super().connection_lost(exc)

        def overdue(self, now: float) -> str | None:
            return None

    class WatchedHttp(H11Protocol):
        _refused = False
        _headers_since: float | None
        """None while a request is read or answered, or while a kept connection is idle."""
        _body_since: float | None = None
        _body_bytes = 0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(GatheringTransport(transport, self.loop, writes))  # type: ignore[arg-type]
            self._headers_since = self.loop.time()
            address = self.client[0] if self.client else ""
            refusal = open_connections.refusal(address)
            if refusal is None:
                open_connections.add(self, address)
                return
            self._refused = True
            self.transport.write(_answer(HTTPStatus.TOO_MANY_REQUESTS, refusal, "retry-after: 10\r\n"))
            self.transport.close()

        def connection_lost(self, exc: Exception | None) -> None:
            open_connections.remove(self)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._refused:
                return
            now = self.loop.time()
            if self.conn.their_state is h11.IDLE and self._headers_since is None:
                self._headers_since = now
            super().data_received(data)
            if self.conn.their_state is not h11.IDLE:
                self._headers_since = None
            if self.conn.their_state is not h11.SEND_BODY:
                self._body_since = None
            elif self._body_since is None:
                self._body_since, self._body_bytes = now, 0
            else:
                self._body_bytes += len(data)

        def overdue(self, now: float) -> str | None:
            deadlines = open_connections.deadlines
            if self._headers_since is not None:
                return "the request does not end" if now - self._headers_since > deadlines.headers_s else None
            if self._body_since is None:
                return None
            if self.flow.read_paused:  # The portal is slow, not the client.
                self._body_since, self._body_bytes = now, 0
                return None
            late = now - self._body_since - deadlines.body_grace_s
            return "the body arrives too slowly" if late > 0 and self._body_bytes < late * deadlines.body_bytes_per_s else None

        def handle_websocket_upgrade(self, event: h11.Request) -> None:
            super().handle_websocket_upgrade(event)
            successor = self.transport.get_protocol()
            if isinstance(successor, WatchedWebSocket):
                open_connections.replace(self, successor)

        def send_400_response(self, msg: str) -> None:
            self.transport.write(_answer(HTTPStatus.BAD_REQUEST, "This is not a valid HTTP request."))
            self.transport.close()

    return WatchedHttp, WatchedWebSocket


def _answer(status: HTTPStatus, sentence: str, headers: str = "") -> bytes:
    body = f"{sentence}\n"
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{headers}{_HEADERS}content-length: {len(body)}\r\n\r\n{body}".encode()
