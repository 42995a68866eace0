"""One thread reads many polled answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

from api.answering.answer_thread import AnswerThread
from api.answering.streams import Failed, Feed
from core.inference.requests import Pause

Item = str | Failed | None


async def everything(feed: Feed[Item]) -> list[Item]:
    found: list[Item] = []
    while not found or not (found[-1] is None or isinstance(found[-1], Failed)):
        found += await feed.take(10)
    return found


def test_what_comes_of_many_answers_is_read_on_one_thread_until_they_block() -> None:
    readers: set[str] = set()
    enders: set[str] = set()

    def answer(words: list[str], wake: Callable[[], None]) -> Iterator[str | Pause]:
        for word in words:
            readers.add(threading.current_thread().name)
            yield word
            wake()
            yield Pause.WAITING
        yield Pause.BLOCKING
        enders.add(threading.current_thread().name)
        yield "end"

    async def main() -> list[list[Item]]:
        thread = AnswerThread()
        feeds: list[Feed[Item]] = [Feed() for _ in range(20)]
        sources = [thread.source(feed, f"rest-{number}") for number, feed in enumerate(feeds)]
        for source in sources:
            source.start(answer(["one", "two", "three"], source.wake))
        return list(await asyncio.gather(*map(everything, feeds)))

    assert asyncio.run(main()) == [["one", "two", "three", "end", None]] * 20
    assert readers == {"answers"}
    assert enders == {f"rest-{number}" for number in range(20)}


def test_an_answer_that_ends_or_fails_without_blocking_ends_its_feed_once() -> None:
    def good() -> Iterator[str | Pause]:
        yield "all"

    def bad() -> Iterator[str | Pause]:
        yield "some"
        raise ValueError("no more")

    async def main() -> tuple[list[Item], list[Item], list[Item]]:
        thread = AnswerThread()
        first: Feed[Item] = Feed()
        second: Feed[Item] = Feed()
        one, two = thread.source(first, "one"), thread.source(second, "two")
        two.wake()  # before it begins: nothing to read
        one.start(good())
        two.start(bad())
        found = await everything(first), await everything(second)
        one.wake()
        two.wake()
        return *found, [*await first.take(0.05), *await second.take(0.05)]

    whole, failed, late = asyncio.run(main())
    assert whole == ["all", None]
    assert failed[0] == "some" and isinstance(failed[1], Failed) and str(failed[1].error) == "no more"
    assert late == []
