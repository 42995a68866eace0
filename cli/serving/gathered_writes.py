"""Send what one connection writes within a round of the event loop in one call to the system.

Uvicorn writes the head and the body of a response separately. Each call wakes the client, which on a busy machine takes the processor at
once, while the event loop holds the interpreter's lock.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

log = logging.getLogger(__name__)

MAX_GATHERED = 65_536
"""Bytes after which a connection does not wait for the end of the round, so that its flow control is not delayed for long."""


class GatheredWrites:
    """The connections of one event loop that have something to send at the end of this round."""

    def __init__(self) -> None:
        self._waiting: list[GatheringTransport] = []

    def add(self, transport: GatheringTransport, loop: asyncio.AbstractEventLoop) -> None:
        self._waiting.append(transport)
        if len(self._waiting) == 1:
            loop.call_soon(self._send_all)

    def _send_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport in waiting:
            try:
                transport.flush()
            except Exception:  # What one connection cannot send must not stay with the others.
                log.exception("a connection could not be written to")
                transport.abort()


class GatheringTransport:
    """A transport that sends at the end of the round, or before it closes. All else is the inner transport's."""

    def __init__(self, inner: asyncio.Transport, loop: asyncio.AbstractEventLoop, writes: GatheredWrites) -> None:
        self._inner = inner
        self._loop = loop
        self._writes = writes
        self._blocks: list[bytes] = []
        self._bytes = 0

    def write(self, data: bytes) -> None:
        if not data:
            return
        if not self._blocks:
            self._writes.add(self, self._loop)
        self._blocks.append(data)
        self._bytes += len(data)
        if self._bytes > MAX_GATHERED:
            self.flush()

    def flush(self) -> None:
        if self._blocks:
            data = self._blocks[0] if len(self._blocks) == 1 else b"".join(self._blocks)
            self._blocks, self._bytes = [], 0
            if not self._inner.is_closing():
                self._inner.write(data)

    def close(self) -> None:
        self.flush()
        self._inner.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
