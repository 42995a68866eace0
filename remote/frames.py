"""One message: a line of JSON, then the bytes that it refers to. A large file goes in parts and is never encoded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

PART_BYTES = 256 * 1024
MEDIA_TYPE = "application/x-portal-frame"


def parts(data: Any, blobs: Sequence[bytes] = ()) -> Iterator[bytes]:
    """Yield the message in parts."""
    head = {"data": data, "blobs": [len(blob) for blob in blobs]} if blobs else {"data": data}
    yield json.dumps(head, separators=(",", ":")).encode() + b"\n"
    for blob in blobs:
        for start in range(0, len(blob), PART_BYTES):
            yield blob[start : start + PART_BYTES]


def whole(message: bytes) -> tuple[Any, list[bytes]]:
    """Return the JSON and the bytes of a message. Raises ValueError."""
    end = message.find(b"\n")
    if end < 0:
        raise ValueError("no line")
    try:
        head = json.loads(message[:end])
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(head, dict) or "data" not in head:
        raise ValueError("no data")
    lengths, start, blobs = head.get("blobs", []), end + 1, []
    if not isinstance(lengths, list) or not all(isinstance(each, int) and each >= 0 for each in lengths):
        raise ValueError("no lengths")
    for length in lengths:
        blobs.append(message[start : start + length])
        start += length
    if start != len(message):
        raise ValueError("the bytes do not add up")
    return head["data"], blobs
