"""Measure what a piece of a streamed answer costs the event loop: `./portal bench stream_cost [--streams N] [--steps N] [--plain]`

Without a model and without the middlewares: the server's own connections, the thread that reads answers, and the chunks of /v1. Every 20 ms
each of the streams gets a piece, as from a model that decodes all of them in one step. The clients read in a process of their own, and all
pieces must arrive in order. It tells processor time, so that it can be compared on a busy machine.
"""

from __future__ import annotations

import argparse
import multiprocessing
import queue
import re
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from typing import cast

import uvicorn
from starlette.types import Receive, Scope, Send

from api.answering.answers import RunningAnswers
from api.answering.streams import Cutoff, EventStream, Write
from api.openai.chat_answer import ChatAnswer, last_event
from bench.portal_parts.portal import table
from cli.serving.body_writes import BodyWrites
from cli.serving.connection_limits import OpenConnections
from cli.serving.connections import protocols
from core.errors import PortalError
from core.inference.gateway import Gateway
from core.inference.records import FinishReason, Timings, Usage
from core.inference.requests import Delta, Finished, GenerationEvent, Pause
from core.inference.running.answer import Answer
from core.people.records import User

GAP_S = 0.02
DEADLINE_S = 120.0
REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"


class Given:
    """An answer whose pieces come from outside."""

    id, model, fingerprint, created_at = "0" * 32, "model", "fp_0", datetime(2026, 1, 1, tzinfo=UTC)

    def __init__(self) -> None:
        self.pieces: queue.SimpleQueue[Delta | Finished] = queue.SimpleQueue()
        self.wake: Callable[[], None] = lambda: None

    def poll(self, wake: Callable[[], None]) -> bool:
        self.wake = wake
        return True

    def cancel(self) -> None:
        pass

    def events(self) -> Iterator[GenerationEvent]:
        event: Delta | Finished | None = None
        while not isinstance(event, Finished):
            if self.pieces.empty():
                yield Pause.WAITING
            else:
                yield (event := self.pieces.get())


class Recorder:
    """Records nothing."""

    def recorded(self, answer: Given) -> Iterator[GenerationEvent]:
        yield from answer.events()


class Endless:
    """Sessions that do not end."""

    def follow(self, token: str, end: Callable[[PortalError], None], user: User | None = None) -> Callable[[], None]:
        return lambda: None


class Application:
    """Streams an answer to each request. plain: every piece is sent by a coroutine."""

    def __init__(self, *, plain: bool) -> None:
        self.given: list[Given] = []
        self._plain = plain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Given()
        running = RunningAnswers.one(cast(Gateway, Recorder()), cast(Answer, given))
        answer = ChatAnswer(running)

        def shortcut(write: Write) -> None:
            answer.send_by(write, include_usage=True)

        self.given.append(given)
        cutoff = Cutoff(Endless(), "")
        stream = EventStream(answer.events(True), running.leave, cutoff, last_event, None, None if self._plain else shortcut)
        await stream(scope, receive, send)


def read_all(port: int, streams: int, steps: int) -> int:
    """Read all streams to their ends; return how many of them had all pieces in order."""
    selector, read = selectors.DefaultSelector(), {}
    for _ in range(streams):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(REQUEST)
        selector.register(connection, selectors.EVENT_READ)
        read[connection.fileno()] = b""
    while selector.get_map():
        for key, _ in selector.select(DEADLINE_S):
            data = cast(socket.socket, key.fileobj).recv(65_536)
            read[key.fd] += data
            if not data:
                selector.unregister(key.fileobj)
    wanted = b"".join(b"%d " % number for number in range(steps))
    return sum(b"".join(re.findall(rb'"content":"([\d ]+)"', each)) == wanted for each in read.values())


def main() -> int:
    parser = argparse.ArgumentParser(prog="./portal bench stream_cost")
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--plain", action="store_true", help="without the shortcut for plain text, for comparison")
    chosen = parser.parse_args()
    application = Application(plain=chosen.plain)
    http, websocket = protocols(OpenConnections(chosen.streams, chosen.streams, ()))
    server = uvicorn.Server(uvicorn.Config(BodyWrites(application), http=http, ws=websocket, port=0, log_config=None, lifespan="off"))
    threading.Thread(target=server.run, name="loop", daemon=True).start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as clients:
        reading = clients.submit(read_all, port, chosen.streams, chosen.steps)
        until(lambda: len(application.given) == chosen.streams)
        before = seconds_by_thread()
        for number in range(chosen.steps):
            for each in application.given:
                each.pieces.put(Delta(f"{number} ", tokens=number + 1))
                each.wake()
            time.sleep(GAP_S)
        after = seconds_by_thread()
        for each in application.given:
            each.pieces.put(Finished(FinishReason.STOP, Usage(1, chosen.steps, 0), Timings()))
            each.wake()
        whole = reading.result(DEADLINE_S)
    server.should_exit = True
    pieces = chosen.streams * chosen.steps
    rows = [[name, f"{1e6 * (after[name] - before.get(name, 0.0)) / pieces:.1f}"] for name in ("loop", "answers", "MainThread")]
    table(f"Processor time of a piece, {chosen.streams} streams", ["thread", "us"], rows)
    print(f"\n{whole} of {chosen.streams} streams came whole and in order.")
    return 0 if whole == chosen.streams else 1


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not happened():
        if time.monotonic() > deadline:
            raise RuntimeError("The server or its clients did not begin.")
        time.sleep(0.01)


def seconds_by_thread() -> dict[str, float]:
    """Return the processor time of each of this process's threads so far, by name."""
    return {thread.name: time.clock_gettime(time.pthread_getcpuclockid(thread.ident)) for thread in threading.enumerate() if thread.ident}


if __name__ == "__main__":
    raise SystemExit(main())
