"""Send the events of a running answer to the user server that shows it. Each event holds only what is new since the last one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

from api.streams import KEEP_ALIVE, KEEP_ALIVE_S, Feed, sse
from core.chat.running_turn import LiveTurn, Snapshot
from remote.codec import codec

BETWEEN_S = 0.03
"""Shortest time between two events. The first words are sent at once; at 300 tokens per second, an event holds ten tokens."""


async def events(running: LiveTurn, feed: Feed[Snapshot]) -> AsyncGenerator[bytes]:
    """Yield an event for each change until the answer has ended.

    feed: receives the snapshots of `running`.
    """
    text = reasoning = 0
    while True:
        snapshots = await feed.take(KEEP_ALIVE_S)
        if not snapshots:
            yield KEEP_ALIVE
            continue
        began = time.monotonic()
        # The newest snapshot contains all earlier ones.
        now = snapshots[-1] if not snapshots[-1].running else running.snapshot()
        yield sse(change(now, text, reasoning))
        if not now.running:
            return
        text, reasoning = len(now.text), len(now.reasoning)
        await asyncio.sleep(max(0.0, BETWEEN_S - (time.monotonic() - began)))


def change(now: Snapshot, text: int, reasoning: int) -> dict[str, Any]:
    """Return the part of the snapshot that was not sent yet: what follows the first `text` and `reasoning` characters."""
    new = replace(now, text=now.text[text:], reasoning=now.reasoning[reasoning:])
    return {"now": codec(Snapshot).write(new, []), "text": text, "reasoning": reasoning}
