"""Limit pages that are open without a session: a few per address, each for a limited time.

Each holds a script session and file descriptors, and anyone can open them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Message, Receive, Send

from core.client_address import counted_as

log = logging.getLogger(__name__)

IDLE_S = 15 * 60
"""A page without messages for this long is closed. The browser reopens it if someone is still looking at it."""


class StrangerSockets:
    """Counts them by address. Runs on the event loop only."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, address: str, most: int) -> Iterator[bool]:
        """Count a socket while it is open. Yields False if the address has reached its limit."""
        holder = counted_as(address)
        if self._open[holder] >= most:
            log.warning("%s has %d pages open without a session; refusing another", holder, most)
            yield False
            return
        self._open[holder] += 1
        try:
            yield True
        finally:
            self._open[holder] -= 1
            if not self._open[holder]:
                del self._open[holder]


def until_idle(receive: Receive, send: Send, idle_s: float = IDLE_S) -> Receive:
    """Wrap `receive` so that the socket ends after `idle_s` seconds without a message."""

    async def patient() -> Message:
        try:
            return await asyncio.wait_for(receive(), idle_s)
        except TimeoutError:
            await send({"type": "websocket.close", "code": 1000, "reason": "This page was idle for too long."})
            return {"type": "websocket.disconnect", "code": 1000}

    return patient
