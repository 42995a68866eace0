"""Read what is typed into the search of the log: words, and pairs such as level:error or turn:ID."""

from __future__ import annotations

from collections.abc import Callable

from core.errors import InvalidInput
from core.operations.logs.records import LogLevel, LogLine

FIELDS: dict[str, Callable[[LogLine], str]] = {
    "level": lambda line: line.level.value, "logger": lambda line: line.logger, "turn": lambda line: line.turn_id,
    "request": lambda line: line.request_id, "user": lambda line: line.user_id, "model": lambda line: line.model,
    "thread": lambda line: line.thread,
}  # fmt: skip
MAX_WORDS = 500


def matcher(words: str) -> Callable[[LogLine], bool]:
    """Return a function that tells whether a line matches all words and pairs. Raises InvalidInput for an unknown level."""
    if len(words) > MAX_WORDS:
        raise InvalidInput("Search for at most {limit} characters.", limit=MAX_WORDS)
    tests = [_test(each) for each in words.casefold().split()]
    return lambda line: all(test(line) for test in tests)


def _test(word: str) -> Callable[[LogLine], bool]:
    name, colon, value = word.partition(":")
    if not colon or name not in FIELDS:
        return lambda line: word in line.message.casefold() or word in line.logger.casefold() or word in line.exception.casefold()
    if name == "level" and value.upper() not in LogLevel.__members__:
        raise InvalidInput("There is no level {level}. Choose from: {known}.", level=value, known=", ".join(LogLevel).lower())
    field = FIELDS[name]
    # An id matches by its beginning, a logger with all loggers below it.
    return lambda line: field(line).casefold().startswith(value)
