"""Send the events of a running answer to the user server that shows it. Each event holds only what is new since the last one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

from api.answering.streams import KEEP_ALIVE, KEEP_ALIVE_S, Feed, sse
from core.chat.running_turn import LiveTurn, Snapshot
from core.chat.tools.records import ToolStep
from remote.codec import codec

BETWEEN_S = 0.03
"""Shortest time between two events. The first words are sent at once; at 300 tokens per second, an event holds ten tokens."""


async def events(running: LiveTurn, feed: Feed[Snapshot]) -> AsyncGenerator[bytes]:
    """Yield an event for each change until the answer has ended.

    feed: receives the snapshots of `running`.
    """
    text = reasoning = 0
    steps: Sequence[ToolStep] = ()
    while True:
        snapshots = await feed.take(KEEP_ALIVE_S)
        if not snapshots:
            yield KEEP_ALIVE
            continue
        began = time.monotonic()
        # The newest snapshot contains all earlier ones.
        now = snapshots[-1] if not snapshots[-1].running else running.snapshot()
        yield sse(change(now, text, reasoning, steps))
        if not now.running:
            return
        text, reasoning, steps = len(now.text), len(now.reasoning), now.steps
        await asyncio.sleep(max(0.0, BETWEEN_S - (time.monotonic() - began)))


def change(now: Snapshot, text: int, reasoning: int, steps: Sequence[ToolStep]) -> dict[str, Any]:
    """Return the part of the snapshot that was not sent yet: what follows the first `text` and `reasoning` characters.

    steps: those that were sent; if they are the same, they are left out.
    """
    same = now.steps == steps
    new = replace(now, text=now.text[text:], reasoning=now.reasoning[reasoning:], steps=() if same else now.steps)
    return {"now": codec(Snapshot).write(new, []), "text": text, "reasoning": reasoning, "same_steps": same}
