"""Carry events of other threads into the event loop and send them to one client.

Threads of the pool that pages and routes share never wait for a model here, so open streams do not occupy the pool.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.errors import PortalError
from core.people.records import User

log = logging.getLogger(__name__)

LAST_EVENT_S = 1.0
KEEP_ALIVE_S = 15.0
_LINE_ENDS = re.compile("[\x85\u2028\u2029\ud800-\udfff]")
"""Characters that some readers treat as a line end, and unpaired surrogates, which UTF-8 cannot encode."""
KEEP_ALIVE = b": waiting\n\n"
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
BODY_SEND = "portal.body_send"
"""The key of the scope with the server's own `send`. Middleware reads only the start of a response; its many blocks bypass them."""
BODY_WRITE = "portal.body_write"
"""The key of the scope with a function that sends a block of a response that has begun, or returns False if it must be awaited."""
Write = Callable[[bytes], bool]
T = TypeVar("T")


class Feed(Generic[T]):
    """A queue: any thread puts items, one coroutine takes all waiting items. Create it in the event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._items: list[T] = []
        self._reader: asyncio.Future[None] | None = None
        self._until = 0.0
        self._timeout = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.shortcut: Callable[[Sequence[T]], bool] | None = None
        """Called with items that the reader waits for, in its place; returns False if the reader must take them."""

    def put(self, item: T) -> None:
        self.put_all([item])

    def put_all(self, items: Sequence[T]) -> None:
        try:
            self.loop.call_soon_threadsafe(self.add, items)
        except RuntimeError:
            # The loop is closed: the server has stopped, and no reader is left.
            log.debug("an event came after the server stopped")

    def add(self, items: Sequence[T]) -> None:
        """Add items, in the event loop. The shortcut gets them only while the reader waits: nothing overtakes what that still sends."""
        waits = self._reader is not None and not self._reader.done() and not self._items
        if waits and self.shortcut is not None and self.shortcut(items):
            self._until = self.loop.time() + self._timeout
            return
        self._items += items
        self._wake_reader()

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def take(self, timeout: float) -> list[T]:
        """Return all items since the last call. Waits for one; returns an empty list after `timeout` seconds."""
        if not self._items:
            self._reader = self.loop.create_future()
            self._timeout = timeout
            self._until = self.loop.time() + timeout
            if self._timer is not None and self._timer.when() > self._until:
                self._timer.cancel()
                self._timer = None
            if self._timer is None:
                self._timer = self.loop.call_at(self._until, self._check_time)
            await self._reader
        taken, self._items = self._items, []
        return taken

    def _check_time(self) -> None:
        """Wake a taker whose timeout has passed. One timer serves many takes: setting one for each costs more than the rest of a take."""
        self._timer = None
        if self._reader is None or self._reader.done():
            return
        if self.loop.time() >= self._until:
            self._wake_reader()
        else:
            self._timer = self.loop.call_at(self._until, self._check_time)


class Failed:
    """The last item of a feed whose source raised."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def pump(source: Iterable[T], feed: Feed[T | Failed | None], name: str) -> None:
    """Put every item of `source` into `feed` from a separate thread, then None, or Failed if it raised."""

    def run() -> None:
        try:
            for item in source:
                feed.put(item)
        except Exception as problem:  # noqa: BLE001 - the coroutine that reads the feed raises or reports it
            feed.put(Failed(problem))
        else:
            feed.put(None)

    threading.Thread(target=run, name=name, daemon=True).start()


async def until_disconnected(receive: Receive) -> None:
    """Return once the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def json_text(data: object) -> str:
    """Encode as JSON on one line, without the characters that some readers treat as a line end."""
    return _LINE_ENDS.sub(lambda found: f"\\u{ord(found[0]):04x}", _JSON.encode(data))


def sse(data: object, event: str | None = None) -> bytes:
    """Encode one event. Its JSON contains no line break, not even Unicode's, so a single data line carries it."""
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {json_text(data)}\n\n".encode("utf-8", "replace")


class Follows(Protocol):
    def follow(self, token: str, end: Callable[[PortalError], None], user: User | None = None) -> Callable[[], None]:
        """Call `end` once the session of this token is over, or its person has fewer rights. Returns a function that unsubscribes."""
        ...


class Cutoff:
    """Cuts a request off from outside: its session ended, or the portal stops. Create it in the event loop, and close it."""

    def __init__(self, watch: Follows, token: str, user: User | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self.reason: asyncio.Future[PortalError] = self._loop.create_future()
        self.close = watch.follow(token, self._end, user)

    def _end(self, reason: PortalError) -> None:
        try:
            self._loop.call_soon_threadsafe(self._set, reason)
        except RuntimeError:
            log.debug("a session ended after the server stopped")

    def _set(self, reason: PortalError) -> None:
        if not self.reason.done():
            self.reason.set_result(reason)


async def unless_cut(work: Coroutine[Any, Any, T], cutoff: Cutoff) -> T:
    """Return what `work` returns. Raises the reason if the request is cut off first."""
    working = asyncio.ensure_future(work)
    try:
        first: set[asyncio.Future[Any]] = {working, cutoff.reason}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise cutoff.reason.result()
        return working.result()
    finally:
        cutoff.close()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


class EventStream(Response):
    """Sends `events` until they end, the client disconnects or the request is cut off; then always calls `leave`."""

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncGenerator[bytes],
        leave: Callable[[], None],
        cutoff: Cutoff,
        last: Callable[[PortalError], bytes],
        headers: Mapping[str, str] | None = None,
        shortcut: Callable[[Write], None] | None = None,
    ) -> None:
        """last: returns the event that says why the stream was cut off. headers: added to those of every stream.

        shortcut: called with a function that writes a block at once, if the server has one, before the first of `events` is sent.
        """
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no", **(headers or {})})
        del self.headers["content-length"]
        self._events = events
        self._leave = leave
        self._cutoff = cutoff
        self._last = last
        self._begun = False
        self._shortcut = shortcut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._shortcut is not None and (write := scope.get(BODY_WRITE)) is not None:
            self._shortcut(write)
        sending = asyncio.create_task(self._send(send, scope.get(BODY_SEND, send)))
        gone = asyncio.create_task(until_disconnected(receive))
        try:
            first: set[asyncio.Future[Any]] = {sending, gone, self._cutoff.reason}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._cutoff.close()
            cut = self._cutoff.reason.done() and not sending.done() and not gone.done()
            self._leave()
            ended = not sending.cancel()
            gone.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)
            await self._events.aclose()
        if cut:
            with contextlib.suppress(TimeoutError):  # Do not wait for a client that reads nothing.
                async with asyncio.timeout(LAST_EVENT_S):
                    await self._send_last(send, self._cutoff.reason.result())
        elif ended:
            sending.result()

    async def _send_last(self, send: Send, reason: PortalError) -> None:
        await self._begin(send)
        await send({"type": "http.response.body", "body": self._last(reason), "more_body": False})

    async def _begin(self, send: Send) -> None:
        if not self._begun:
            self._begun = True
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

    async def _send(self, send: Send, send_body: Send) -> None:
        await self._begin(send)
        async for block in self._events:
            await send_body({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def until_finished(items: AsyncIterator[Any], receive: Receive, leave: Callable[[], None], cutoff: Cutoff) -> list[Any] | None:
    """Collect all of `items`, for an answer in one piece; None, after calling `leave`, if the client disconnects first.

    Raises the reason, after calling `leave`, if the request is cut off first.
    """

    async def collect() -> list[Any]:
        return [item async for item in items]

    collecting = asyncio.create_task(collect())
    gone = asyncio.create_task(until_disconnected(receive))
    try:
        first: set[asyncio.Future[Any]] = {collecting, gone, cutoff.reason}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if collecting.done():
            return collecting.result()
        if cutoff.reason.done() and not gone.done():
            raise cutoff.reason.result()
        return None
    finally:
        cutoff.close()
        if not collecting.done():
            leave()
        collecting.cancel()
        gone.cancel()
        await asyncio.gather(collecting, gone, return_exceptions=True)
