"""The queue of idle connections: nothing is lost or given twice, and whoever waited longest is next."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.util.queue import Empty, Full

from data.connections.queue import ConnectionQueue

LONG_S = 60.0


def test_it_keeps_no_more_than_it_should_and_gives_the_one_used_last() -> None:
    queue: ConnectionQueue[str] = ConnectionQueue(2)
    queue.put("a", False)
    queue.put_nowait("b")
    assert queue.full() and queue.qsize() == 2
    with pytest.raises(Full):
        queue.put("c", False)
    assert [queue.get_nowait(), queue.get(False)] == ["b", "a"] and queue.empty()
    with pytest.raises(Empty):
        queue.get(False)


def test_a_thread_waits_no_longer_than_it_should() -> None:
    queue: ConnectionQueue[str] = ConnectionQueue(2)
    with pytest.raises(Empty):
        queue.get(timeout=0.01)
    queue.put("a")  # The one that left is not given it.
    assert queue.get(timeout=0) == "a"


def test_whoever_waited_longest_is_next() -> None:
    queue: ConnectionQueue[int] = ConnectionQueue(1)
    order: list[str] = []

    def take(name: str) -> None:
        queue.get(timeout=LONG_S)
        order.append(name)

    threads = [threading.Thread(target=take, args=(name,)) for name in "abc"]
    for number, thread in enumerate(threads, 1):
        thread.start()
        until = time.monotonic() + LONG_S
        while queue.waiting < number and time.monotonic() < until:
            time.sleep(0.001)
    for number, thread in enumerate(threads):
        queue.put(number)
        thread.join(LONG_S)
    assert order == ["a", "b", "c"] and queue.empty()


def test_many_threads_lose_nothing_and_share_nothing() -> None:
    queue: ConnectionQueue[int] = ConnectionQueue(4)
    for number in range(4):
        queue.put(number)
    held: set[int] = set()

    def use(_: int) -> bool:
        alone = True
        for _ in range(300):
            try:
                item = queue.get(timeout=0.0005)
            except Empty:
                continue
            alone = alone and item not in held
            held.add(item)
            time.sleep(0)
            held.discard(item)
            queue.put(item)
        return alone

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(use, range(16)))
    assert sorted(queue.get_nowait() for _ in range(4)) == [0, 1, 2, 3] and queue.empty()
