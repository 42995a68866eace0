"""Speak HTTP to one platform: connections to pinned addresses, a deadline for every read, cancelling from any thread.

The standard library's client is enough here, and it lets us control the socket: its address is the one that was checked, every read has
our deadline, and another thread can end a read that hangs. Redirects are never followed, and no proxy of the environment is used.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from models.platforms.remote.addresses import Resolve, addresses_of, resolve
from models.platforms.remote.failures import PlatformFailure, cut, invalid_answer, timed_out, unreachable
from models.platforms.remote.guarded_socket import AT_ONCE, Call, GuardedSocket

CONNECT_S = 5.0
IDLE_CONNECTIONS = 8
KEEP_S = 20.0
MAX_BODY = 64 * 1024**2
"""Most bytes of one response."""
MAX_LINE = 4 * 1024**2
MAX_ERROR = 64 * 1024


class Response:
    """A response whose body is still to come. Close it; it is reused if its body was read to the end."""

    def __init__(
        self, owner: Connections, connection: http.client.HTTPConnection, guarded: GuardedSocket, answer: http.client.HTTPResponse,
        wait_s: float,
    ) -> None:  # fmt: skip
        self._owner = owner
        self._connection = connection
        self._guarded = guarded
        self._answer = answer
        self._wait_s = wait_s
        self.status = answer.status
        self.content_type = (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower()

    def header(self, name: str) -> str:
        return self._answer.getheader(name) or ""

    def within(self, seconds: float, end: float) -> None:
        """Allow the next reads so many seconds from now, but not past `end`."""
        self._wait_s = seconds
        self._guarded.deadline = min(time.monotonic() + seconds, end)

    def chunks(self, most: int = MAX_BODY) -> Iterator[bytes]:
        """Yield the body as it comes. Raises PlatformFailure."""
        size = 0
        while True:
            try:
                chunk = self._answer.read1(AT_ONCE)
            except (TimeoutError, ssl.SSLError, OSError, http.client.HTTPException, ValueError) as problem:
                raise self._owner.failure(problem, self._wait_s) from problem
            if not chunk:
                if self._answer.length:
                    raise self._owner.cut()
                return
            size += len(chunk)
            if size > most:
                raise invalid_answer(self._owner.platform, f"> {most // 1024**2} MB" if most >= 1024**2 else f"> {most // 1024} KB")
            yield chunk

    def body(self, most: int = MAX_BODY) -> bytes:
        """Read the whole body. Raises PlatformFailure."""
        return b"".join(self.chunks(most))

    def close(self) -> None:
        self._owner.done(self._connection, reusable=self._answer.isclosed() and not self._answer.will_close)
        self._answer.close()


class Connections:
    """The connections to one platform. Safe from any thread."""

    def __init__(
        self, platform: str, base_url: str, *, api_key: str = "", ca_file: str = "", link_local: bool = False, resolver: Resolve = resolve
    ) -> None:
        """link_local: the configuration allows this host such addresses."""
        parts = urlsplit(base_url)
        self.platform = platform
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._path = parts.path.rstrip("/")
        self._headers = {"Accept-Encoding": "identity", "User-Agent": "glm-portal"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._link_local = link_local
        self._resolver = resolver
        self._tls = ssl.create_default_context(cafile=ca_file or None) if self._secure else None
        self._idle: list[tuple[float, http.client.HTTPConnection]] = []
        self._sockets: dict[int, GuardedSocket] = {}
        self._lock = threading.Lock()

    def send(
        self, call: Call, method: str, path: str, body: bytes | None = None, *, first_s: float, end: float,
        accept: str = "application/json", more_headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Response:  # fmt: skip
        """Send a request and return its response once the headers are there. Raises PlatformFailure.

        path: under the platform's address; with a leading // it replaces the address's own path. first_s: until the headers.
        """
        target = path[1:] if path.startswith("//") else self._path + path
        headers = {**self._headers, **more_headers, "Accept": accept} | ({"Content-Type": "application/json"} if body is not None else {})
        kept = self._take()
        if kept is not None:
            try:
                return self._exchange(call, kept, method, target, body, headers, first_s, end)
            except (ConnectionError, http.client.BadStatusLine):
                # The other side closed it at this moment, before it answered anything; a new connection is safe.
                self.done(kept, reusable=False)
                if call.cancelled:
                    raise self.cut() from None
            except (OSError, http.client.HTTPException) as problem:
                self.done(kept, reusable=False)
                raise self.failure(problem, first_s) from problem
        fresh = self._connect(call, min(CONNECT_S, first_s))
        try:
            return self._exchange(call, fresh, method, target, body, headers, first_s, end)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            self.done(fresh, reusable=False)
            raise self.failure(problem, first_s) from problem

    def _exchange(
        self, call: Call, connection: http.client.HTTPConnection, method: str, target: str, body: bytes | None,
        headers: Mapping[str, str], first_s: float, end: float,
    ) -> Response:  # fmt: skip
        guarded = self.socket_of(connection)
        guarded.deadline = min(time.monotonic() + first_s, end)
        call.holds(guarded)
        connection.request(method, target, body, dict(headers))
        response = Response(self, connection, guarded, connection.getresponse(), first_s)
        if response.header("Content-Encoding") not in ("", "identity"):
            response.close()
            raise invalid_answer(self.platform, response.header("Content-Encoding")[:40])
        return response

    def _connect(self, call: Call, seconds: float) -> http.client.HTTPConnection:
        problem: OSError | None = None
        for _, address in addresses_of(self.platform, self._host, self._port, allowed=self._link_local, resolver=self._resolver):
            if call.cancelled:
                break
            try:
                plain = socket.create_connection((address, self._port), timeout=seconds)
            except OSError as failed:
                problem = failed
                continue
            try:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connected = self._tls.wrap_socket(plain, server_hostname=self._host) if self._tls else plain
            except OSError as failed:
                plain.close()
                problem = failed
                continue
            connection = http.client.HTTPConnection(self._host, self._port)
            connection.default_port = 443 if self._secure else 80
            connection.auto_open = 0
            guarded = GuardedSocket(connected)
            connection.sock = guarded
            with self._lock:
                self._sockets[id(connection)] = guarded
            return connection
        raise unreachable(self.platform, _reason(problem) if problem else "cancelled")

    def socket_of(self, connection: http.client.HTTPConnection) -> GuardedSocket:
        with self._lock:
            return self._sockets[id(connection)]

    def _take(self) -> http.client.HTTPConnection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                since, connection = self._idle.pop()
            if time.monotonic() - since < KEEP_S and not self.socket_of(connection).stale:
                return connection
            self.done(connection, reusable=False)

    def done(self, connection: http.client.HTTPConnection, *, reusable: bool) -> None:
        """Keep a connection for the next request, or close it."""
        with self._lock:
            guarded = self._sockets.get(id(connection))
            if reusable and guarded is not None and len(self._idle) < IDLE_CONNECTIONS:
                self._idle.append((time.monotonic(), connection))
                return
            self._sockets.pop(id(connection), None)
        connection.close()
        if guarded is not None:
            guarded.close()

    def close(self) -> None:
        """Close idle connections. Running requests end by themselves."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            self.done(connection, reusable=False)

    def cut(self) -> PlatformFailure:
        return cut(self.platform)

    def failure(self, problem: Exception, waited_s: float) -> PlatformFailure:
        """Describe an error, without text of the other server."""
        if isinstance(problem, TimeoutError):
            return timed_out(self.platform, waited_s)
        if isinstance(problem, http.client.IncompleteRead | ConnectionError | http.client.RemoteDisconnected):
            return self.cut()
        if isinstance(problem, http.client.HTTPException | ValueError):
            return invalid_answer(self.platform, "HTTP")
        return unreachable(self.platform, _reason(problem))


def _reason(problem: Exception) -> str:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return problem.verify_message
    if isinstance(problem, ssl.SSLError):
        return "TLS"
    if isinstance(problem, TimeoutError):
        return "timeout"
    return (problem.strerror if isinstance(problem, OSError) and problem.strerror else type(problem).__name__).lower()
