"""Read a streamed answer: lines, and the server-sent events that they make. A character may be cut by a packet; a line is whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from models.platforms.remote.connection import MAX_LINE
from models.platforms.remote.failures import invalid_answer

DONE = "[DONE]"


def lines(platform: str, chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of a body, without their ends; LF, CRLF and CR end one. Raises PlatformFailure for a line that is too long."""
    held = b""
    skip_newline = False
    for chunk in chunks:
        if skip_newline and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        skip_newline = chunk.endswith(b"\r")
        held += chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, held = held.split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace")
        if len(held) > MAX_LINE:
            raise invalid_answer(platform, f"> {MAX_LINE // 1024**2} MB")
    if held:
        yield held.decode("utf-8", "replace")


def events(platform: str, chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the data of each event. Comments (keep-alives) are left out; a last event without its blank line counts."""
    data: list[str] = []
    for line in lines(platform, chunks):
        if not line:
            if data:
                yield "\n".join(data)
                data = []
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
    if data:
        yield "\n".join(data)


def json_object(platform: str, text: str | bytes) -> dict[str, Any]:
    """Read a JSON object. Raises PlatformFailure for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise invalid_answer(platform, "JSON") from problem
    if not isinstance(found, dict):
        raise invalid_answer(platform, "JSON")
    return found
