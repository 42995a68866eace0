"""Declare where lines of the log are read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from core.operations.logs.records import LogLine


class LogFiles(Protocol):
    """The log files of this server."""

    @property
    def readable(self) -> bool:
        """Whether the log is written as JSON; the plain text format cannot be read back."""
        ...

    def lines(self, since: datetime | None = None, containing: str = "") -> Iterator[LogLine]:
        """Yield lines, newest first, back to `since` (None: to the oldest). containing: only lines with this text anywhere.

        Text that is no line of the log is skipped. Files that are rotated meanwhile may repeat or skip lines.
        """
        ...
