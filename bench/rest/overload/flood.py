"""Send requests over several connections at once, one after another on each, and note status and time of each response.

With raw sockets in a separate process: on the same machine, a client's library would take more of the processor than a refusal does.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

DEADLINE_S = 120.0


@dataclass(frozen=True, slots=True)
class Call:
    """A request to send."""

    path: str
    body: Mapping[str, object]
    token: str | None = None
    address: str | None = None
    """The client's address that a proxy would report."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. status: 0 if the connection was closed. seconds: until the response was there; of a stream, its beginning."""

    status: int
    seconds: float
    retry_after: bool


def flood(host: str, port: int, calls: Sequence[Call], connections: int) -> Sequence[Reply]:
    """Send all calls in a separate process; return their replies. A stream is closed as soon as it begins."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_flood, host, port, calls, connections).result()


def _flood(host: str, port: int, calls: Sequence[Call], connections: int) -> Sequence[Reply]:
    waiting = iter(calls)

    async def one_connection() -> list[Reply]:
        reader = writer = None
        replies = []
        for call in waiting:
            if writer is None or writer.is_closing():
                reader, writer = await asyncio.open_connection(host, port)
            assert reader is not None
            began = time.perf_counter()
            try:
                writer.write(_request(host, port, call))
                status, retry_after, whole = await asyncio.wait_for(_response(reader), DEADLINE_S)
            except (OSError, EOFError, TimeoutError):
                status, retry_after, whole = 0, False, False
            if not whole:
                writer.close()
                writer = None
            replies.append(Reply(status, time.perf_counter() - began, retry_after))
        if writer is not None:
            writer.close()
        return replies

    async def all_connections() -> list[Reply]:
        return [reply for each in await asyncio.gather(*(one_connection() for _ in range(connections))) for reply in each]

    return asyncio.run(all_connections())


def _request(host: str, port: int, call: Call) -> bytes:
    body = json.dumps(call.body).encode()
    head = [f"POST {call.path} HTTP/1.1", f"Host: {host}:{port}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    head += [f"Authorization: Bearer {call.token}"] if call.token else []
    head += [f"X-Forwarded-For: {call.address}"] if call.address else []
    return "\r\n".join([*head, "", ""]).encode() + body


async def _response(reader: asyncio.StreamReader) -> tuple[int, bool, bool]:
    """Read one response; return its status, whether it has Retry-After, and whether it was read to its end. A stream is not."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    size = fields.get(b"content-length")
    if size is not None:
        await reader.readexactly(int(size))
    return int(head.split(b" ", 2)[1]), b"retry-after" in fields, size is not None
