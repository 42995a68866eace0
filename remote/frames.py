"""Write and read messages: a line of JSON, then the bytes that it refers to. Large files are sent in parts, without encoding."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

PART_BYTES = 256 * 1024
MEDIA_TYPE = "application/x-portal-frame"


class Message(NamedTuple):
    """A call or its answer."""

    data: Any
    blobs: Sequence[bytes] = ()
    """The bytes that the data refers to, in order."""
    reads: Sequence[Any] = ()
    """In a call, the reads to answer after it; in its answer, their answers. A server of another release may leave them out."""


def parts(message: Message) -> Iterator[bytes]:
    """Yield the message in parts."""
    head: dict[str, Any] = {"data": message.data}
    if message.blobs:
        head["blobs"] = [len(blob) for blob in message.blobs]
    if message.reads:
        head["reads"] = message.reads
    yield json.dumps(head, separators=(",", ":")).encode() + b"\n"
    for blob in message.blobs:
        for start in range(0, len(blob), PART_BYTES):
            yield blob[start : start + PART_BYTES]


def read(message: bytes) -> Message:
    """Parse a whole message. Raises ValueError."""
    end = message.find(b"\n")
    if end < 0:
        raise ValueError("no line")
    try:
        head = json.loads(message[:end])
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(head, dict) or "data" not in head:
        raise ValueError("no data")
    lengths, reads = head.get("blobs", []), head.get("reads", [])
    if not isinstance(lengths, list) or not all(isinstance(each, int) and each >= 0 for each in lengths):
        raise ValueError("no lengths")
    if not isinstance(reads, list):
        raise ValueError("no reads")
    start, blobs = end + 1, []
    for length in lengths:
        blobs.append(message[start : start + length])
        start += length
    if start != len(message):
        raise ValueError("the bytes do not add up")
    return Message(head["data"], blobs, reads)
