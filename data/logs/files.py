"""Read the log files of this server, newest line first, without loading a whole file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from core.operations.logs.records import LogLevel, LogLine

BLOCK = 256 * 1024
MAX_LINE = 200_000
"""Bytes of a line; a longer one is skipped."""


class JsonLogFiles:
    """portal.log and the older files beside it (portal.log.1 is the newest of them)."""

    def __init__(self, folder: Path, *, readable: bool = True) -> None:
        """readable: whether the portal writes JSON there."""
        self._folder = folder
        self.readable = readable

    def lines(self, since: datetime | None = None, containing: str = "") -> Iterator[LogLine]:
        wanted = containing.encode()
        for path in self._paths():
            try:
                for raw in _backwards(path):
                    if wanted in raw and (line := _line(raw)) is not None:
                        if since is not None and line.at < since:
                            return
                        yield line
            except FileNotFoundError:
                continue  # It was rotated away.

    def _paths(self) -> list[Path]:
        """Return the files, the newest first."""
        older = sorted(
            (path for path in self._folder.glob("portal.log.*") if path.suffix[1:].isdigit()), key=lambda path: int(path.suffix[1:])
        )
        return [self._folder / "portal.log", *older]


def _backwards(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file from its end, without those that are too long."""
    with path.open("rb") as file:
        at, rest, too_long = file.seek(0, 2), b"", False
        while at > 0:
            size = min(BLOCK, at)
            at -= size
            file.seek(at)
            first, *others = (file.read(size) + rest).split(b"\n")
            for each in reversed(others):
                if each and not too_long:
                    yield each
                too_long = False
            if len(first) > MAX_LINE:
                first, too_long = b"", True
            rest = first
        if rest and not too_long:
            yield rest


def _line(raw: bytes) -> LogLine | None:
    """Return the line, or None for what is none: half a line after a crash, or other text."""
    try:
        found = json.loads(raw)
        at = datetime.fromisoformat(found["time"])
        level = LogLevel(found["level"])
        texts = {name: str(found.get(name, "")) for name in ("request_id", "user_id", "turn_id", "model", "thread", "exception")}
        logger, message = str(found["logger"]), str(found["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return LogLine(at=at if at.tzinfo else at.replace(tzinfo=UTC), level=level, logger=logger, message=message, **texts)
