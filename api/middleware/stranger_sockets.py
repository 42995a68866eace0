"""Pages that are open without a session: few at once from one address, and none for ever.

Each holds a script's session and descriptors of the process, and anybody can open them.
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
"""A page that says nothing for so long is closed; the browser opens it again if somebody still looks at it."""


class StrangerSockets:
    """Counts them by address. Used on the event loop alone."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, address: str, most: int) -> Iterator[bool]:
        """Hold a place while the socket is open. False if the address has none left."""
        holder = counted_as(address)
        if self._open[holder] >= most:
            log.warning("%s has %d pages open without a session: one more is refused", holder, most)
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
    """A `receive` that ends the socket when nothing came for `idle_s` seconds."""

    async def patient() -> Message:
        try:
            return await asyncio.wait_for(receive(), idle_s)
        except TimeoutError:
            await send({"type": "websocket.close", "code": 1000, "reason": "Nobody has used this page for a while."})
            return {"type": "websocket.disconnect", "code": 1000}

    return patient
