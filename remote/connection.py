"""Hold the pool of connections to the admin servers. Choose the server, and raise ServerUnreachable while none can be reached."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2

from core.errors import InvalidInput, PortalError, ServerUnreachable, Unavailable
from core.operations.log_context import logged_fields
from remote import frames
from remote.errors import read_error
from remote.frames import Message

log = logging.getLogger(__name__)

SESSION_HEADER = "X-Portal-Session"
CONNECT_S, READ_S, STREAM_S = 3.0, 160.0, 40.0
"""Timeouts in seconds. READ_S is longer than the admin server's own limit for a call. Open streams send data every 15 s."""
MAX_CONNECTIONS, MAX_IDLE, IDLE_S = 400, 40, 3.0
"""Limits of the connection pool. The admin server closes an idle connection after 5 s, and this side closes it earlier."""
_UNREACHABLE = frozenset({502, 503, 504})
"""HTTP statuses with which a proxy reports that the admin server is away."""


class Connection:
    """Sends to one admin server while it answers, then to the next. Thread-safe."""

    def __init__(self, servers: Sequence[str], key: Callable[[], str], ca_file: str = "") -> None:
        """key: returns the service key. ca_file: the CA that signed the servers' certificates; empty: the system's CAs."""
        self._servers = tuple(servers)
        self._key = key
        self._chosen = 0
        self._available = threading.Event()
        self._available.set()
        verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca_file) if ca_file else True
        limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_IDLE, keepalive_expiry=IDLE_S)
        self._client = httpx2.Client(verify=verify, limits=limits, timeout=httpx2.Timeout(READ_S, connect=CONNECT_S), trust_env=False)

    @property
    def is_available(self) -> bool:
        return self._available.is_set()

    def get(self, path: str) -> Any:
        """Return the answer to a GET request, which is sent even while the servers are away, to detect their return."""
        return self._answered("GET", path, None, None, repeatable=True, always=True).data

    def post(self, path: str, token: str | None, message: Message, *, repeatable: bool) -> Message:
        """Send a message and return its answer. Raises the error in the answer, and ServerUnreachable.

        repeatable: the call may be sent again if it is unknown whether the first one arrived.
        """
        return self._answered("POST", path, token, message, repeatable=repeatable)

    @contextmanager
    def stream(self, path: str, token: str | None, message: Message) -> Iterator[Iterator[str]]:
        """Open a stream of events and yield the data of each event. Raises as `post` does, also while events are read."""
        self._check_available()
        number = self._chosen
        for _ in self._servers:
            try:
                with self._client.stream(
                    "POST", self._servers[number] + path, headers=self._headers(token), content=_body(message),
                    timeout=httpx2.Timeout(STREAM_S, connect=CONNECT_S),
                ) as response:  # fmt: skip
                    if response.status_code == 200:
                        self._reached(number)
                        yield (line[6:] for line in response.iter_lines() if line.startswith("data: "))
                        return
                    response.read()
                    refused = _refused(response)
                    if not isinstance(refused, ServerUnreachable):
                        raise refused
                # The server is stopping, or its proxy cannot reach it.
                number = (number + 1) % len(self._servers)
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
                number = (number + 1) % len(self._servers)
            except httpx2.TransportError as problem:
                raise ServerUnreachable(self._available.wait, sent=True) from problem
        raise self._unreachable()

    def close(self) -> None:
        self._client.close()

    def _answered(
        self, method: str, path: str, token: str | None, message: Message | None, *, repeatable: bool, always: bool = False
    ) -> Message:
        if not always:
            self._check_available()
        number = self._chosen
        # Try each server once, and the first one twice, since it may have closed an idle connection.
        for _ in range(len(self._servers) + 1):
            try:
                content = None if message is None else _body(message)
                response = self._client.request(method, self._servers[number] + path, headers=self._headers(token), content=content)
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
                number = (number + 1) % len(self._servers)
                continue
            except httpx2.TransportError as problem:
                if not repeatable:
                    raise ServerUnreachable(self._available.wait, sent=True) from problem
                number = (number + 1) % len(self._servers)
                continue
            if response.status_code == 200:
                self._reached(number)
                return _read(response)
            refused = _refused(response)
            if not isinstance(refused, ServerUnreachable):
                self._reached(number)
                raise refused
            number = (number + 1) % len(self._servers)
        raise self._unreachable()

    def _headers(self, token: str | None) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._key()}"}
        if token is not None:
            headers[SESSION_HEADER] = token
        if request_id := logged_fields().get("request_id"):
            headers["X-Request-ID"] = request_id
        return headers

    def _reached(self, number: int) -> None:
        self._chosen = number
        if not self._available.is_set():
            log.warning("%s is back", self._servers[number])
            self._available.set()

    def _check_available(self) -> None:
        """Raise ServerUnreachable at once while no server is known to be reachable, so that a page does not wait for each of its calls."""
        if not self._available.is_set():
            raise self._unreachable()

    def _unreachable(self) -> ServerUnreachable:
        if self._available.is_set():
            log.warning("%s cannot be reached", " and ".join(self._servers))
            self._available.clear()
        return ServerUnreachable(self._available.wait)


def _body(message: Message) -> Iterable[bytes] | bytes:
    return frames.parts(message) if message.blobs else b"".join(frames.parts(message))


def _read(response: httpx2.Response) -> Message:
    try:
        return frames.read(response.content)
    except ValueError as problem:
        raise read_error(None) from problem


def _refused(response: httpx2.Response) -> PortalError:
    """Return the error of a response whose status is not 200."""
    status = response.status_code
    if response.headers.get("content-type", "").startswith(frames.MEDIA_TYPE):
        return read_error(_read(response).data)
    if status in _UNREACHABLE:
        return ServerUnreachable()
    if status == 401:
        return Unavailable("The admin server does not accept this server's key. PORTAL_SERVICE_KEYS must be the same on both servers.")
    if status == 404:
        return Unavailable("The admin server accepts no user servers. PORTAL_SERVICE_KEYS must be the same on both servers.")
    if status == 413:
        return InvalidInput("This is too large for the admin server. Send less at a time.")
    if status == 421:
        return Unavailable("The admin server does not know the name in PORTAL_SERVER. Add it to PORTAL_ALLOWED_HOSTS there.")
    return Unavailable("The admin server answered with status {status}. Its log says why.", status=status)
