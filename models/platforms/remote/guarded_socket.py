"""Hold one connected socket, whose reads have a deadline and end when another thread cancels."""

from __future__ import annotations

import io
import select
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

AT_ONCE = 64 * 1024


class Call:
    """One request, which any thread may cancel."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: GuardedSocket | None = None
        self.cancelled = False

    def holds(self, guarded: GuardedSocket | None) -> None:
        with self._lock:
            self._socket = guarded
            if self.cancelled and guarded is not None:
                guarded.shut()

    def cancel(self) -> None:
        with self._lock:
            self.cancelled = True
            if self._socket is not None:
                self._socket.shut()


class GuardedSocket:
    """A connected socket whose every read and write ends at `deadline`. It plays the socket of http.client."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._files = 0
        self._closed = False
        self.deadline = float("inf")

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        self._files += 1
        return io.BufferedReader(_Reads(self), AT_ONCE)

    def receive(self, buffer: WriteableBuffer) -> int:
        self._socket.settimeout(self._left())
        return self._socket.recv_into(buffer)

    def _left(self) -> float | None:
        if self.deadline == float("inf"):
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    @property
    def stale(self) -> bool:
        """Tell whether an idle connection was closed by the other side, or holds unexpected data."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(poll.poll(0))

    def shut(self) -> None:
        """End reads that wait in other threads. TLS is not asked: its state belongs to the thread that reads."""
        with suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        self._closed = True
        self._close_if_done()

    def file_closed(self) -> None:
        self._files -= 1
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._closed and self._files <= 0:
            self._socket.close()


class _Reads(io.RawIOBase):
    """The file that http.client reads from."""

    def __init__(self, guarded: GuardedSocket) -> None:
        self._guarded = guarded

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        return self._guarded.receive(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._guarded.file_closed()
