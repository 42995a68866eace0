"""What a connection writes within a round of the event loop goes out in one call, complete, in order, and before it closes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cli.serving.gathered_writes import MAX_GATHERED, GatheredWrites, GatheringTransport


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:  # type: ignore[override]
        assert not self.closed, "uvloop raises here"
        self.calls.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def rounds(
    work: Callable[[GatheringTransport, GatheringTransport], None], count: int = 1, inner: tuple[Transport, Transport] | None = None
) -> tuple[Transport, Transport]:
    """Let `work` write to two connections; return what they sent after `count` rounds. inner: their transports."""
    inner = inner or (Transport(), Transport())

    async def main() -> None:
        loop, writes = asyncio.get_running_loop(), GatheredWrites()
        work(GatheringTransport(inner[0], loop, writes), GatheringTransport(inner[1], loop, writes))
        for _ in range(count):
            await asyncio.sleep(0)

    asyncio.run(main())
    return inner


def test_a_round_s_writes_go_out_in_one_call_for_each_connection() -> None:
    def work(one: GatheringTransport, other: GatheringTransport) -> None:
        one.write(b"head, ")
        other.write(b"other")
        one.write(b"body")
        one.write(b"")

    one, other = rounds(work)
    assert (one.calls, other.calls) == ([b"head, body"], [b"other"])


def test_nothing_is_sent_before_the_round_ends() -> None:
    inner = Transport()

    def work(one: GatheringTransport, _other: GatheringTransport) -> None:
        one.write(b"head")
        assert inner.calls == []

    rounds(work, inner=(inner, Transport()))
    assert inner.calls == [b"head"]


def test_closing_sends_what_waits_and_a_lost_connection_gets_nothing_more() -> None:
    lost = Transport()

    def work(one: GatheringTransport, other: GatheringTransport) -> None:
        one.write(b"last words")
        one.close()
        other.write(b"too late")
        lost.close()  # As if the client had gone.

    one, other = rounds(work, count=2, inner=(Transport(), lost))
    assert (one.calls, one.closed) == ([b"last words"], True) and other.calls == []


def test_large_writes_do_not_wait() -> None:
    inner = Transport()
    blocks = [bytes([number]) * (MAX_GATHERED // 2 + 1) for number in range(3)]

    def work(one: GatheringTransport, _other: GatheringTransport) -> None:
        for block in blocks:
            one.write(block)
        assert inner.calls == [blocks[0] + blocks[1]]

    rounds(work, inner=(inner, Transport()))
    assert inner.calls == [blocks[0] + blocks[1], blocks[2]]
