"""Deadlines and bounds of connections, with a real server and real sockets."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain, repeat

import pytest
import uvicorn

from cli.paths import REPOSITORY
from cli.serving.connection_limits import Deadlines, OpenConnections, most_connections
from cli.serving.connections import protocols

QUICK = Deadlines(headers_s=0.6, body_grace_s=0.5, body_bytes_per_s=1000, unread_s=0.8, check_s=0.1)
LONG_S = 60
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def app(scope, receive, send) -> None:
    """Read the whole body, then answer 64 MB on /large, else `ok`."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/large":
        for _ in range(64):
            await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})
    await send({"type": "http.response.body", "body": b"ok"})


class Running:
    def __init__(self, open_connections: OpenConnections) -> None:
        self.open_connections = open_connections
        http, websocket = protocols(open_connections)
        self.server = uvicorn.Server(uvicorn.Config(app, http=http, ws=websocket, port=0, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self.server.run, daemon=True)
        self._thread.start()
        _until(lambda: self.server.started)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.sockets = ExitStack()

    def connect(self, *sent: bytes) -> socket.socket:
        connected = self.sockets.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=LONG_S))
        for each in sent:
            connected.sendall(each)
        return connected

    def close(self) -> None:
        self.sockets.close()
        self.server.should_exit = self.server.force_exit = True
        self._thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def start(per_address: int = 100, in_all: int = 1000, proxies: Sequence[str] = (), deadlines: Deadlines = QUICK) -> Running:
        running.append(Running(OpenConnections(per_address, in_all, proxies, deadlines)))
        return running[-1]

    yield start
    for each in running:
        each.close()


def _until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _is_closed(connected: socket.socket) -> bool:
    """Tell whether the server ended it within the time that it has."""
    try:
        while connected.recv(65536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


def _drip(connected: socket.socket, pieces: bytes, every_s: float) -> bool:
    """Send byte for byte, the last one again and again. Whether the server closed it meanwhile."""
    connected.settimeout(every_s)
    deadline = time.monotonic() + LONG_S
    for byte in chain(pieces, repeat(pieces[-1])):
        if time.monotonic() > deadline:
            return False
        try:
            connected.sendall(bytes([byte]))
            if connected.recv(1) == b"":
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="uvloop is installed on Linux only")
def test_servers_run_on_uvloop(serve: Callable[..., Running]) -> None:
    assert type(serve().server.servers[0].get_loop()).__module__.startswith("uvloop")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nA: "], ids=["nothing", "a part of a line", "headers"])
def test_a_request_without_an_end_is_closed(serve: Callable[..., Running], sent: bytes) -> None:
    assert _is_closed(serve().connect(sent))


def test_so_is_one_that_sends_a_header_byte_now_and_then(serve: Callable[..., Running]) -> None:
    connected = serve().connect(b"GET / HTTP/1.1\r\nHost: x\r\nA: ")
    assert _drip(connected, b"a", 0.05)


def test_so_is_the_second_request_of_a_connection(serve: Callable[..., Running]) -> None:
    connected = serve().connect(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = b""
    while not answer.endswith(b"0\r\n\r\n"):
        piece = connected.recv(65536)
        assert piece, "it was closed before the second request"
        answer += piece
    assert b"ok" in answer
    assert _drip(connected, b"GET / HTTP/1.1\r\nHost: x\r\nAa", 0.05)


def test_two_hundred_of_them_are_all_gone_and_others_are_answered_meanwhile(serve: Callable[..., Running]) -> None:
    running = serve(per_address=300)
    slow = [running.connect(b"GET / HTTP/1.1\r\nHost: x\r\nA: ") for _ in range(200)]
    assert running.connect(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").recv(15) == b"HTTP/1.1 200 OK"
    assert all(_is_closed(each) for each in slow)
    _until(lambda: len(running.open_connections) == 0)


def test_a_body_that_trickles_is_closed_and_one_that_flows_is_read(serve: Callable[..., Running]) -> None:
    running = serve()
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n"
    assert _drip(running.connect(head), b"a", 0.05)
    # Each piece gives the next one 25 seconds; all of them take longer than the time of a body of which nothing comes.
    flowing = serve(deadlines=replace(QUICK, body_bytes_per_s=10)).connect(head + b"a" * 250)
    for _ in range(11):
        time.sleep(2 * QUICK.body_grace_s / 11)
        flowing.sendall(b"a" * 250)
    assert flowing.recv(15) == b"HTTP/1.1 200 OK"


def test_a_client_that_does_not_read_is_closed(serve: Callable[..., Running]) -> None:
    running = serve()
    connected = running.connect(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connected.recv(15) == b"HTTP/1.1 200 OK"
    _until(lambda: len(running.open_connections) == 0)
    assert _is_closed(connected)


def test_an_answer_that_is_read_slowly_arrives_whole(serve: Callable[..., Running]) -> None:
    reader = serve(deadlines=replace(QUICK, unread_s=1.5)).connect(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    came = 0
    began = time.monotonic()
    while piece := reader.recv(4_000_000):
        came += len(piece)
        if time.monotonic() - began < 2:
            time.sleep(0.1)
    assert came > 64_000_000


def test_one_address_has_only_so_many_connections_and_gets_others_back(serve: Callable[..., Running]) -> None:
    running = serve(per_address=5, deadlines=Deadlines(check_s=0.1))
    held = [running.connect(b"GET") for _ in range(4)] + [running.connect(HANDSHAKE)]
    assert held[-1].recv(12) == b"HTTP/1.1 101"
    assert running.connect(b"GET").recv(12) == b"HTTP/1.1 429"
    held[0].close()
    held[-1].close()
    _until(lambda: len(running.open_connections) == 3)
    assert running.connect(HANDSHAKE).recv(12) == b"HTTP/1.1 101"


def test_a_proxy_has_as_many_as_there_are(serve: Callable[..., Running]) -> None:
    running = serve(per_address=2, in_all=6, proxies=["10.0.0.0/8", "127.0.0.0/8"], deadlines=Deadlines(check_s=0.1))
    for _ in range(6):
        running.connect(b"GET")
    _until(lambda: len(running.open_connections) == 6)
    assert running.connect(b"GET").recv(12) == b"HTTP/1.1 429"


def test_an_open_websocket_has_no_deadline_here(serve: Callable[..., Running]) -> None:
    running = serve()
    running.connect(HANDSHAKE)
    time.sleep(2 * QUICK.headers_s)
    assert len(running.open_connections) == 1


def test_what_is_no_http_is_told_so_with_security_headers(serve: Callable[..., Running]) -> None:
    answer = serve().connect(b"NONSENSE\r\n\r\n").makefile("rb").read().decode()
    assert answer.startswith("HTTP/1.1 400")
    assert "x-content-type-options: nosniff" in answer and "frame-ancestors 'none'" in answer


def test_the_limit_of_open_files_is_raised_as_far_as_it_goes() -> None:
    code = "from cli.serving.connection_limits import raise_descriptor_limit; print(raise_descriptor_limit())"

    def raised(soft: int, hard: int) -> int:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

        done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, preexec_fn=limit, capture_output=True, check=True)
        return int(done.stdout)

    assert raised(256, 3000) == 3000
    assert most_connections(1024) == 192
