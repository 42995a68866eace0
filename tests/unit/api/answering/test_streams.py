from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, MutableMapping, Sequence
from typing import Any

import pytest

from api.answering.streams import BODY_WRITE, Cutoff, EventStream, Failed, Feed, pump, sse, until_finished
from core.errors import PortalError


def test_a_feed_gives_everything_that_waits_at_once_in_order() -> None:
    async def main() -> list[list[int]]:
        feed: Feed[int] = Feed()
        threading.Thread(target=lambda: [feed.put(n) for n in range(1000)]).start()
        taken: list[list[int]] = []
        while sum(map(len, taken)) < 1000:
            taken.append(await feed.take(1))
        return taken

    taken = asyncio.run(main())
    assert [n for some in taken for n in some] == list(range(1000))


def test_an_empty_feed_gives_nothing_after_its_time() -> None:
    async def main() -> list[int]:
        return await Feed[int]().take(0.01)

    assert asyncio.run(main()) == []


def test_a_short_wait_after_a_long_one_is_short() -> None:
    async def main() -> list[int]:
        feed: Feed[int] = Feed()
        asyncio.get_running_loop().call_later(0.01, feed.add, [1])
        assert await feed.take(3_600) == [1]
        async with asyncio.timeout(30):
            return await feed.take(0.01)

    assert asyncio.run(main()) == []


def test_a_shortcut_gets_items_only_while_the_reader_waits_and_may_decline_them() -> None:
    async def main() -> tuple[list[int], list[list[int]]]:
        feed: Feed[int] = Feed()
        quick: list[int] = []

        def shortcut(items: Sequence[int]) -> bool:
            if 0 in items:
                return False
            quick.extend(items)
            return True

        feed.shortcut = shortcut
        feed.add([1])  # Nobody waits: it may be sending something earlier.
        taken = [await feed.take(30)]
        waiting = asyncio.ensure_future(feed.take(30))
        await asyncio.sleep(0)
        for item in (2, 3, 0, 4):  # The reader has been woken for 0, and must send it before 4.
            feed.add([item])
        taken.append(await waiting)
        return quick, taken

    assert asyncio.run(main()) == ([2, 3], [[1], [0, 4]])


def test_what_goes_by_the_shortcut_puts_off_the_next_keep_alive() -> None:
    async def main() -> float:
        loop, feed = asyncio.get_running_loop(), Feed[int]()
        feed.shortcut = lambda items: True
        waiting = asyncio.ensure_future(feed.take(0.3))
        last = loop.time()
        for _ in range(6):
            await asyncio.sleep(0.1)
            if waiting.done():  # This machine stood still for long.
                break
            feed.add([1])
            last = loop.time()
        assert await waiting == []
        return loop.time() - last

    assert asyncio.run(main()) >= 0.29


def test_a_stream_hands_the_servers_write_to_its_shortcut() -> None:
    async def events() -> AsyncGenerator[bytes]:
        yield b"one"

    async def main() -> tuple[list[object], list[bytes]]:
        given: list[object] = []
        stream = EventStream(events(), lambda: None, Cutoff(Never(), "token"), lambda _: b"", None, given.append)
        sent: list[bytes] = []

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message.get("body", b""))

        async def receive() -> MutableMapping[str, Any]:
            return await asyncio.get_running_loop().create_future()

        await stream({BODY_WRITE: "write"}, receive, send)
        return given, sent

    assert asyncio.run(main()) == (["write"], [b"", b"one", b""])


class Never:
    """Sessions that do not end."""

    def follow(self, token: str, end: Callable[[PortalError], None], role: str = "") -> Callable[[], None]:
        return lambda: None


def test_an_event_after_the_server_stopped_is_let_go() -> None:
    async def main() -> Feed[int]:
        return Feed()

    asyncio.run(main()).put(1)


def test_a_source_that_raises_ends_its_feed_with_the_error() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    async def main() -> list[object]:
        feed: Feed[int | Failed | None] = Feed()
        pump(source(), feed, "test")
        found: list[object] = []
        while not found or found[-1] == 1:
            found += await feed.take(1)
        return found

    one, failed = asyncio.run(main())
    assert one == 1
    assert isinstance(failed, Failed)
    assert str(failed.error) == "no more"


def test_an_event_is_one_line_of_data_whatever_the_text() -> None:
    block = sse({"text": "a\nb\r\n\u2028\ud800 你"}, "delta").decode()
    assert block.startswith("event: delta\ndata: ")
    assert block.endswith("}\n\n")
    assert block.count("\n") == 3
    assert "\r" not in block
    assert json.loads(block.split("data: ")[1])["text"].endswith("你")


class NeverEnds:
    """In place of the watch over sessions."""

    def follow(self, token: str, end: Callable[[PortalError], None], role: str = "") -> Callable[[], None]:
        return lambda: None


def uncut() -> Cutoff:
    return Cutoff(NeverEnds(), "token")


async def _serve(events: AsyncGenerator[bytes], gone: asyncio.Event) -> tuple[list[dict[str, object]], int]:
    """Return what was sent until the client was gone, and how often the stream said so."""
    sent: list[dict[str, object]] = []
    left: list[int] = []

    async def receive() -> dict[str, object]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    stream = EventStream(events, lambda: left.append(1), uncut(), lambda _: b"cut")
    await stream({"type": "http"}, receive, send)  # type: ignore[arg-type]
    return sent, len(left)


def test_a_stream_that_ends_is_closed_properly() -> None:
    async def events() -> AsyncGenerator[bytes]:
        yield b"one"
        yield b"two"

    sent, left = asyncio.run(_serve(events(), asyncio.Event()))
    assert [message.get("body") for message in sent] == [None, b"one", b"two", b""]
    assert sent[-1]["more_body"] is False
    assert left == 1
    assert b"content-length" not in dict(sent[0]["headers"])  # type: ignore[call-overload]


def test_a_client_that_goes_away_ends_the_stream_and_closes_its_source() -> None:
    closed: list[int] = []
    gone = asyncio.Event()

    async def events() -> AsyncGenerator[bytes]:
        try:
            for number in itertools.count():
                yield b"more"
                if number == 2:
                    gone.set()
                await asyncio.sleep(0.01)
        finally:
            closed.append(1)

    sent, left = asyncio.run(_serve(events(), gone))
    assert len(sent) > 2
    assert sent[-1]["type"] == "http.response.body"
    assert (closed, left) == ([1], 1)


def test_a_source_that_breaks_is_not_hidden() -> None:
    async def events() -> AsyncGenerator[bytes]:
        yield b"one"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(_serve(events(), asyncio.Event()))


def test_waiting_for_the_end_is_given_up_with_the_client() -> None:
    left: list[int] = []

    async def never() -> AsyncGenerator[int]:
        await asyncio.sleep(3600)
        yield 1

    async def two() -> AsyncGenerator[int]:
        yield 1
        yield 2

    async def leaves() -> dict[str, str]:
        await asyncio.sleep(0.02)
        return {"type": "http.disconnect"}

    async def stays() -> dict[str, str]:
        await asyncio.sleep(3600)
        return {}

    async def main() -> None:
        assert await until_finished(never(), leaves, lambda: left.append(1), uncut()) is None  # type: ignore[arg-type]
        assert await until_finished(two(), stays, lambda: left.append(1), uncut()) == [1, 2]  # type: ignore[arg-type]

    asyncio.run(main())
    assert left == [1]


@pytest.mark.parametrize("ticks", range(6))
def test_a_cancellation_that_comes_with_an_item_is_not_swallowed(ticks: int) -> None:
    async def main() -> bool:
        feed: Feed[int] = Feed()
        taking = asyncio.create_task(feed.take(60))
        await asyncio.sleep(0.01)
        feed.put(1)
        for _ in range(ticks):
            await asyncio.sleep(0)
        wanted = taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        return taking.cancelled() == wanted

    assert asyncio.run(main())


@pytest.mark.parametrize("pause", [0.0, 0.0001, 0.001])
def test_a_stream_that_never_pauses_is_cut_off_with_its_last_event(pause: float) -> None:
    async def main() -> list[bytes]:
        sent: list[bytes] = []
        ends: list[Callable[[PortalError], None]] = []

        class Ends:
            def follow(self, token: str, end: Callable[[PortalError], None], role: str = "") -> Callable[[], None]:
                ends.append(end)
                return lambda: None

        feed: Feed[int] = Feed()

        async def events() -> AsyncGenerator[bytes]:
            while True:
                for _ in await feed.take(10):
                    yield b"more"

        async def receive() -> dict[str, str]:
            await asyncio.sleep(3600)
            return {}

        async def send(message: dict[str, object]) -> None:
            sent.append(message.get("body", b""))  # type: ignore[arg-type]

        async def fill() -> None:
            while True:
                feed.put(1)
                await asyncio.sleep(pause)

        filling = asyncio.create_task(fill())
        stream = EventStream(events(), lambda: None, Cutoff(Ends(), "token"), lambda reason: str(reason).encode())
        serving = asyncio.create_task(stream({"type": "http"}, receive, send))  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        while not ends:
            await asyncio.sleep(0.01)
        ends[0](PortalError("over"))
        await asyncio.wait_for(serving, 60)
        filling.cancel()
        return sent

    assert asyncio.run(main())[-1] == b"over"
