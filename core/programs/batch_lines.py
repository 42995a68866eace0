"""Parse the requests of a batch's file, and write their results as lines."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from core.programs.records import LineAnswer

MAX_LINE_LENGTH = 1024 * 1024
"""Most bytes of a line, the same as for the body of a request over HTTP."""
MAX_ID_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the input: a request, or a problem; neither for a blank line."""

    custom_id: str | None = None
    body: Mapping[str, Any] | None = None
    problem: tuple[str, str] | None = None
    """A code and a sentence that describe what is wrong with the line."""


def lines_of(blocks: Iterable[bytes]) -> Generator[bytes]:
    """Split content into lines. Lines above the limit are cut slightly above it."""
    rest = b""
    for block in blocks:
        *whole, last = block.split(b"\n")
        for each in whole:
            yield (rest + each)[: MAX_LINE_LENGTH + 1]
            rest = b""
        rest = (rest + last)[: MAX_LINE_LENGTH + 1]
    if rest:
        yield rest


def line_of(raw: bytes, route: str, first_lines: dict[str, int], number: int) -> Line:
    """Parse one line. first_lines: the number of the first line with each custom_id."""
    if not raw.strip():
        return Line()
    if len(raw) > MAX_LINE_LENGTH:
        return Line(problem=("line_too_long", f"The line has more than {MAX_LINE_LENGTH:,} bytes. Send less."))
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        return Line(problem=("invalid_json_line", "The line is not a JSON object in UTF-8."))
    if not isinstance(said, dict):
        return Line(problem=("invalid_json_line", "The line is not a JSON object in UTF-8."))
    custom_id = said.get("custom_id")
    if not isinstance(custom_id, str) or not 1 <= len(custom_id) <= MAX_ID_LENGTH:
        return Line(problem=("invalid_request", f"custom_id must be a text of 1 to {MAX_ID_LENGTH} characters."))
    if first_lines.setdefault(custom_id, number) != number:
        return Line(custom_id, problem=("duplicate_custom_id", f"Line {first_lines[custom_id]} has the same custom_id."))
    if said.get("method", "POST") != "POST":
        return Line(custom_id, problem=("invalid_method", "method must be POST."))
    if said.get("url") != route:
        return Line(custom_id, problem=("mismatched_url", f"url must be {route}, the endpoint of the batch."))
    if not isinstance(said.get("body"), dict):
        return Line(custom_id, problem=("invalid_request", "body must be a JSON object."))
    return Line(custom_id, said["body"])


def answered_line(line: Line, answer: LineAnswer) -> bytes:
    """Return the result of a line that was answered, or refused by the API."""
    response = f'{{"status_code":{answer.status},"request_id":{json.dumps(answer.request_id)},"body":{answer.body}}}'
    return _written(line.custom_id, response, "null")


def failed_line(line: Line, code: str, message: str) -> bytes:
    """Return the result of a line that was never sent to a model."""
    return _written(line.custom_id, "null", json.dumps({"code": code, "message": message}))


def _written(custom_id: str | None, response: str, error: str) -> bytes:
    name = json.dumps(custom_id)
    return f'{{"id":"batch_req_{uuid4().hex}","custom_id":{name},"response":{response},"error":{error}}}\n'.encode()
