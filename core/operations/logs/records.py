"""Define a line of the log, a query of the log, and its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TurnPart(StrEnum):
    """What an answer's time went to, in order."""

    QUEUE = "queue"
    FIRST_TOKEN = "first_token"
    NO_TOKEN = "no_token"
    """The time until it ended without a token."""
    THINKING = "thinking"
    WRITING = "writing"


class LogLevel(StrEnum):
    """The severity of a line, the lowest first."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        return list(LogLevel).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    at: datetime
    level: LogLevel
    logger: str
    message: str
    request_id: str = ""
    user_id: str = ""
    turn_id: str = ""
    model: str = ""
    thread: str = ""
    exception: str = ""

    @property
    def area(self) -> str:
        """Return the part of the portal that wrote it: the first two names of the logger."""
        return ".".join(self.logger.split(".")[:2])


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """A query of the log; all given conditions apply. since is inclusive, until exclusive."""

    since: datetime
    until: datetime
    words: str = ""
    """Words, and pairs such as level:error or turn:ID."""
    level: LogLevel = LogLevel.INFO
    """The lowest level to return."""
    area: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogBar:
    """The lines of one stretch of time."""

    at: datetime
    others: int = 0
    warnings: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    lines: tuple[LogLine, ...]
    """Newest first."""
    total: int
    warnings: int
    errors: int
    bars: tuple[LogBar, ...]
    areas: tuple[str, ...]
    """Parts of the portal that wrote lines in this time, whatever the query asks."""
    people: Mapping[str, str]
    """Sign-in names by id, of people with lines in this time."""
    cut: bool = False
    """Whether there were too many lines to read all; the oldest are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorKind:
    """Errors with the same message, apart from ids, numbers and quoted names."""

    logger: str
    message: str
    """The newest message of this kind."""
    count: int
    people: int
    first_at: datetime
    last_at: datetime
    is_new: bool
    """Whether the log has none from before the time that was asked for, although it reaches further back."""
    spread: tuple[int, ...]
    """How many there were in each of equal stretches of the time that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedTurn:
    """The lines of one turn, oldest first, and where its time went."""

    lines: tuple[LogLine, ...]
    began_at: datetime
    group: str = ""
    parts: tuple[tuple[TurnPart, float, float], ...] = ()
    """Name, begin and end in seconds; empty if the answer was deleted or is being written."""
