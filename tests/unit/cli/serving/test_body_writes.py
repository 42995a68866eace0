"""Blocks that a stream writes without ASGI's `send` reach the client whole and in order, among those that it sends."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from api.answering.streams import BODY_WRITE
from cli.serving.body_writes import BodyWrites
from cli.serving.connection_limits import OpenConnections
from cli.serving.connections import protocols

LONG_S = 60
LARGE = b"x" * 400_000


class Application:
    """Sends and writes in turns. refused: how many writes were refused. early: what a write before the response returned."""

    def __init__(self) -> None:
        self.refused = 0
        self.early: bool | None = None
        self.has_write: list[bool] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        write = scope.get(BODY_WRITE)
        self.has_write.append(write is not None)
        if write is not None:
            self.early = write(b"too early")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for number in range(50):
            block = LARGE if scope["path"] == "/large" else b"%d " % number
            if write is None or number % 3 == 0:
                await send({"type": "http.response.body", "body": block, "more_body": True})
            elif not write(block):
                self.refused += 1
                await send({"type": "http.response.body", "body": block, "more_body": True})
            if number % 5 == 0:
                await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"end", "more_body": False})
        if write is not None:
            assert not write(b"too late")


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def port(application: Application) -> Iterator[int]:
    http_class, websocket = protocols(OpenConnections(16, 16, ()))
    config = uvicorn.Config(BodyWrites(application), http=http_class, ws=websocket, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + LONG_S
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def test_all_blocks_come_in_order_and_the_connection_serves_the_next_request(application: Application, port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG_S)
    for _ in range(2):
        connection.request("POST", "/", body=b"{}")
        assert connection.getresponse().read() == b"".join(b"%d " % number for number in range(50)) + b"end"
    connection.close()
    assert (application.refused, application.early, application.has_write) == (0, False, [True, True])


def test_a_slow_reader_gets_all_and_its_blocks_are_awaited(application: Application, port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG_S)
    connection.request("POST", "/large", body=b"{}")
    response = connection.getresponse()
    deadline = time.monotonic() + LONG_S
    while not application.refused:  # The buffers are full: writes are refused before anything is read.
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(response.read()) == 50 * len(LARGE) + 3
    connection.close()


def test_http_1_0_has_no_chunks_and_no_writes(application: Application, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=LONG_S) as client:
        client.sendall(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        found = b""
        while data := client.recv(65_536):
            found += data
    assert found.endswith(b"48 49 end") and application.has_write == [False]
