"""Read all polled answers on one thread, and hand their events to the event loop in one call.

A thread per answer costs more than the reading: each token wakes one, and all of them compete with the decode thread for the
interpreter's lock (docs/decisions/031).
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from api.answering.streams import Failed, Feed, pump
from core.inference.requests import Pause

log = logging.getLogger(__name__)
T = TypeVar("T")


class PolledSource(Generic[T]):
    """One answer: its events go into its feed, then None, or Failed if it raised. Call `wake` when it may have more."""

    def __init__(self, thread: AnswerThread, feed: Feed[T | Failed | None], name: str) -> None:
        self._thread = thread
        self.feed = feed
        self.name = name
        self._events: Iterator[T | Pause] | None = None
        """None before the start and after the end."""

    def wake(self) -> None:
        self._thread.ready.put(self)

    def start(self, events: Iterator[T | Pause]) -> None:
        """events: yields Pause as RunningGeneration.events() does after poll()."""
        self._events = events
        self.wake()

    def read(self) -> list[T | Failed | None]:
        """Return the new events. Those after Pause.BLOCKING are read on a separate thread."""
        if self._events is None:
            return []
        items: list[T | Failed | None] = []
        try:
            for event in self._events:
                if event is Pause.WAITING:
                    return items
                if event is Pause.BLOCKING:
                    rest, self._events = self._events, None
                    self.feed.put_all(items)
                    pump(_without_pauses(rest), self.feed, self.name)
                    return []
                items.append(event)
        except Exception as problem:  # noqa: BLE001 - the coroutine that reads the feed raises or reports it
            items.append(Failed(problem))
        else:
            items.append(None)
        self._events = None
        return items


class AnswerThread:
    """The thread that reads all answers; it starts with the first answer and stays."""

    def __init__(self) -> None:
        self.ready: SimpleQueue[PolledSource[Any]] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def source(self, feed: Feed[T | Failed | None], name: str) -> PolledSource[T]:
        """Return a source without events; its `wake` may be called from now on."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="answers", daemon=True)
                self._thread.start()
        return PolledSource(self, feed, name)

    def _run(self) -> None:
        while True:
            try:
                self._round()
            except Exception:
                log.exception("reading answers failed")

    def _round(self) -> None:
        """Wait until an answer has more, read all that have, and hand each loop all of its items at once."""
        woken = {self.ready.get(): None}
        try:
            while True:
                woken[self.ready.get_nowait()] = None
        except Empty:
            pass
        deliveries: dict[asyncio.AbstractEventLoop, list[tuple[Feed[Any], list[Any]]]] = {}
        for source in woken:
            if items := source.read():
                deliveries.setdefault(source.feed.loop, []).append((source.feed, items))
        for loop, batch in deliveries.items():
            try:
                loop.call_soon_threadsafe(_deliver, batch)
            except RuntimeError:
                log.debug("events came after the server stopped")


def _deliver(batch: list[tuple[Feed[Any], list[Any]]]) -> None:
    for feed, items in batch:
        feed.add(items)


def _without_pauses(events: Iterator[T | Pause]) -> Iterator[T]:
    return (event for event in events if not isinstance(event, Pause))


ANSWERS = AnswerThread()
