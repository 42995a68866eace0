"""The people who fill the queue: they open more streams than it takes, and read those that are accepted."""

from __future__ import annotations

import json
import selectors
import socket
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

EACH = 300
"""Questions of each person: more than one person may have in the queue."""
WAIT_S = 120.0
LONG = 100_000
"""Tokens of an answer that does not end during the measurement."""


class Crowd:
    """Holds streams open until the block ends. Each person asks more than is accepted, so that the queue is full."""

    def __init__(self, host: str, port: int, tokens: Sequence[str]) -> None:
        self._host = host
        self._port = port
        self._people = tokens
        self._selector = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drain, name="crowd")

    def __len__(self) -> int:
        return len(self._sockets)

    def __enter__(self) -> Self:
        asked = [self._ask(person) for person in self._people for _ in range(EACH)]
        for connection in asked:
            if connection.recv(65_536).split(b" ", 2)[1] == b"200":
                self._sockets.append(connection)
                self._selector.register(connection, selectors.EVENT_READ)
            else:
                connection.close()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        for each in self._sockets:
            each.close()

    def _ask(self, token: str) -> socket.socket:
        body = json.dumps({"messages": [{"role": "user", "content": "Write much"}], "max_tokens": LONG, "stream": True}).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection = socket.create_connection((self._host, self._port), timeout=WAIT_S)
        connection.sendall(head.encode() + body)
        return connection

    def _drain(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(timeout=0.2):
                assert isinstance(key.fileobj, socket.socket)
                if not key.fileobj.recv(65_536):
                    self._selector.unregister(key.fileobj)
